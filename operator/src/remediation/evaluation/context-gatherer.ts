import type { Clock } from '@archpolicy/async';
import {
  assessPlacement,
  controllerKey,
  isSkipped,
  isUnschedulable,
  isTerminalOrTerminating,
  isOwnedByJob,
  findRival,
  selectPolicy,
  suspectPlatforms,
  findTopController,
} from '@archpolicy/core';
import type {
  ArchPolicy,
  EvictionAccount,
  Inspection,
  JobFacts,
  NamespaceFacts,
  NodeFacts,
  PlacementAssessment,
  PodFacts,
} from '@archpolicy/core';
import type { Jobs, Namespaces, Nodes, PlatformChecks, PodImages, Pods, Policies } from '../ports.ts';

/**
 * The complete input of the evaluation of one governed pod. So the evaluation needs no further reads, and is
 * synchronous.
 */
export interface EvictionContext {
  readonly key: string;
  readonly pod: PodFacts;
  readonly policy: ArchPolicy;
  /**
   * A policy that also selects the pod, and has the same priority as the governing policy. It does not govern the pod,
   * because its name sorts later.
   */
  readonly rival?: string;
  readonly namespace: NamespaceFacts;
  readonly node: NodeFacts | undefined;
  /**
   * The inspections of the pod's images. Empty for a terminal or terminating pod or namespace. Also empty for a pod without a node,
   * unless the pod is unschedulable and has additions of ArchPolicy.
   */
  readonly inspections: ReadonlyMap<string, Inspection>;
  readonly job: JobFacts | undefined;
}

export type GatherResult =
  | { readonly kind: 'gone' }
  /**
   * The pod has no governing policy, or has the skip label. Such a pod is not counted, and its images are not
   * inspected.
   */
  | { readonly kind: 'ungoverned' }
  | { readonly kind: 'governed'; readonly context: EvictionContext };

export interface ContextGathererOptions {
  readonly pods: Pods;
  readonly nodes: Nodes;
  readonly namespaces: Namespaces;
  readonly policies: Policies;
  readonly images: PodImages;
  readonly checks: PlatformChecks;
  readonly jobs: Jobs;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Gathers the input of an evaluation from the views and from registries. For some pods it also reads a Job from the API
 * server.
 */
export class ContextGatherer {
  readonly #options: ContextGathererOptions;

  constructor(options: ContextGathererOptions) {
    this.#options = options;
  }

  async gather(key: string, signal: AbortSignal): Promise<GatherResult> {
    const { pods, policies, images } = this.#options;
    const pod = pods.byKey(key);
    if (pod === undefined) return { kind: 'gone' };
    const governing = this.#governing(pod);
    if (governing === undefined || isSkipped(pod.labels, governing.namespace)) return { kind: 'ungoverned' };
    const { policy, namespace } = governing;
    const rival = findRival(policy, policies.list(), namespace, pod.labels)?.name;
    const bare = {
      ...{ key, pod, policy, namespace, node: this.#findNode(pod) },
      ...{ inspections: new Map<string, Inspection>(), job: undefined },
      ...(rival !== undefined && { rival }),
    };
    if (endsSoon(bare) || (bare.node === undefined && !isUnschedulable(pod))) {
      return { kind: 'governed', context: bare };
    }
    const inspected = { ...bare, inspections: await images.inspect(pod, policy, signal) };
    this.#requestChecks(inspected, signal);
    return { kind: 'governed', context: { ...inspected, job: await this.#readJob(inspected, signal) } };
  }

  /**
   * Returns the context with this version of the pod and the current policy, namespace and node. Returns undefined if
   * another policy governs the pod now, or if the policy's generation has changed. The caller must then evaluate the
   * pod from the start, because the images and the limits may be different.
   */
  refresh(context: EvictionContext, pod: PodFacts): EvictionContext | undefined {
    const governing = this.#governing(pod);
    if (governing?.policy.uid !== context.policy.uid) return undefined;
    if (governing.policy.generation !== context.policy.generation) return undefined;
    return { ...context, ...governing, pod, node: this.#findNode(pod) };
  }

  /**
   * Returns the pod's namespace and governing policy. Returns undefined while the namespace is not in the store. When
   * the namespace is added to the store, its pods are enqueued.
   */
  #governing(pod: PodFacts): { readonly namespace: NamespaceFacts; readonly policy: ArchPolicy } | undefined {
    const { namespaces, policies } = this.#options;
    const namespace = namespaces.get(pod.namespace);
    const policy = namespace && selectPolicy(policies.list(), namespace, pod.labels);
    return namespace && policy && { namespace, policy };
  }

  #findNode({ nodeName }: PodFacts): NodeFacts | undefined {
    return nodeName === undefined ? undefined : this.#options.nodes.get(nodeName);
  }

  #requestChecks({ pod, node, inspections, policy }: EvictionContext, signal: AbortSignal): void {
    if (node === undefined) return;
    const suspects = suspectPlatforms(pod, node, inspections, policy.spec);
    if (suspects.length > 0) this.#options.checks.request(pod, suspects, signal);
  }

  /**
   * Reads the pod's Job if the pod is misplaced or unschedulable. Other pods do not need the Job, so this saves many
   * requests.
   */
  async #readJob(context: EvictionContext, signal: AbortSignal): Promise<JobFacts | undefined> {
    const { pod } = context;
    if (pod.owner === undefined || !isOwnedByJob(pod)) return undefined;
    if (assess(context, this.#options.clock.now()).kind !== 'misplaced' && !isUnschedulable(pod)) return undefined;
    return this.#options.jobs.get(pod.namespace, pod.owner, signal);
  }
}

/** Returns what the limits of an eviction depend on: the pod, its policy and its owner. */
export function toAccount({ pod, policy }: Pick<EvictionContext, 'pod' | 'policy'>): EvictionAccount {
  return {
    policy: policy.name,
    maxPerMinute: policy.spec.remediation.maxEvictionsPerMinute,
    owner: controllerKey(findTopController(pod)),
    pod,
  };
}

/** Assesses whether the pod's node can run its images. */
export function assess(context: EvictionContext, nowMs: number): PlacementAssessment {
  const { pod, node, inspections, policy } = context;
  if (node === undefined || endsSoon(context)) return { kind: 'node-unknown' };
  return assessPlacement({ nowMs, pod, node, inspections, policy: policy.spec });
}

/** Returns whether the pod has ended or is being deleted, alone or with its namespace. */
function endsSoon({ pod, namespace }: Pick<EvictionContext, 'pod' | 'namespace'>): boolean {
  return isTerminalOrTerminating(pod) || namespace.deleting === true;
}
