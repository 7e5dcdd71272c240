import {
  assessPlacement,
  controllerKey,
  decideEviction,
  forecastReplacement,
  isRelaxedAt,
  isSkipped,
  isUnschedulable,
  isTerminalOrTerminating,
  relaxingHelps,
  workloadKey,
  ownedByJob,
  replacementOf,
  rivalOf,
  selectPolicy,
  topControllerOf,
} from '@archpolicy/core';
import type {
  ArchPolicy,
  EvictionAccount,
  EvictionDecision,
  EvictionInput,
  EvictionLedger,
  EvictionLimit,
  Inspection,
  JobFacts,
  ReplacementForecast,
  NamespaceFacts,
  NodeFacts,
  PlacementAssessment,
  PodFacts,
  Unschedulable,
} from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';
import type { Jobs, Namespaces, Nodes, PodImages, Pods, Policies, Webhook } from '../ports.ts';
import type { ReadinessHistory } from './readiness-history.ts';
import type { Tries } from '../eviction/eviction-attempts.ts';

/** What was gathered about one pod that a policy governs. Judging it waits for nothing. */
export interface Material {
  readonly key: string;
  readonly pod: PodFacts;
  readonly policy: ArchPolicy;
  /** A policy of the same priority that selects the pod as well. */
  readonly rival?: string;
  readonly namespace: NamespaceFacts;
  readonly node: NodeFacts | undefined;
  /** Empty for a pod that is not on a node (and not kept from one by us), or has finished: its images are not asked about. */
  readonly inspections: ReadonlyMap<string, Inspection>;
  readonly job: JobFacts | undefined;
}

export type Gathered =
  | { readonly kind: 'gone' }
  /** No policy governs it, or it is to be skipped: it counts nowhere, and nobody is asked about its images. */
  | { readonly kind: 'ungoverned'; readonly pod: PodFacts }
  | { readonly kind: 'governed'; readonly material: Material };

export interface Judgement {
  readonly assessment: PlacementAssessment;
  readonly decision: EvictionDecision;
}

export interface JudgeOptions {
  readonly pods: Pods;
  readonly nodes: Nodes;
  readonly namespaces: Namespaces;
  readonly policies: Policies;
  readonly images: PodImages;
  readonly jobs: Jobs;
  readonly webhook: Webhook;
  readonly ledger: EvictionLedger;
  readonly tries: Tries;
  readonly readiness: Pick<ReadinessHistory, 'hasBeenReady'>;
  readonly clock: Clock;
}

/** Gathers what decides about a pod, and has the pure rules decide. */
export class Judge {
  readonly #options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  async gather(key: string, signal: AbortSignal): Promise<Gathered> {
    const { pods, namespaces, policies, nodes } = this.#options;
    const pod = pods.byKey(key);
    if (pod === undefined) return { kind: 'gone' };
    // A namespace that is not known yet brings its pods along when it is.
    const namespace = namespaces.get(pod.namespace);
    const policy = namespace && selectPolicy(policies.list(), namespace, pod.labels);
    if (namespace === undefined || policy === undefined || isSkipped(pod.labels, namespace))
      return { kind: 'ungoverned', pod };
    const node = pod.nodeName === undefined ? undefined : nodes.get(pod.nodeName);
    const rival = rivalOf(policy, policies.list(), namespace, pod.labels)?.name;
    const bare = {
      ...{ key, pod, policy, namespace, node, inspections: new Map<string, Inspection>(), job: undefined },
      ...(rival !== undefined && { rival }),
    };
    const isLookedAt = node !== undefined || isUnschedulable(pod);
    if (!isLookedAt || isTerminalOrTerminating(pod)) return { kind: 'governed', material: bare };
    const inspections = await this.#options.images.of(pod, policy, signal);
    const job = await this.#jobOf({ ...bare, inspections }, signal);
    return { kind: 'governed', material: { ...bare, inspections, job } };
  }

  /**
   * The same pod with the policy, the namespace and the node that hold now; undefined when none governs it any more, or
   * another policy, or another generation of it: then its images must be gathered and its limits found free again.
   */
  renew(material: Material, pod: PodFacts): Material | undefined {
    const { namespaces, policies, nodes } = this.#options;
    const namespace = namespaces.get(pod.namespace);
    const policy = namespace && selectPolicy(policies.list(), namespace, pod.labels);
    if (namespace === undefined || policy === undefined) return undefined;
    if (policy.uid !== material.policy.uid || policy.generation !== material.policy.generation) return undefined;
    const node = pod.nodeName === undefined ? undefined : nodes.get(pod.nodeName);
    return { ...material, policy, namespace, node };
  }

  /**
   * @param pod the pod as it is now, when that is newer than what was gathered
   * @param hasPlace its place is taken already: only the brake can still be in its way
   */
  judge(material: Material, pod = material.pod, hasPlace = false): Judgement {
    const { clock, webhook, tries, readiness } = this.#options;
    const { policy, namespace, node, job } = material;
    const assessment = assess(material, pod);
    const tried = tries.of(material.key, pod.uid);
    const decision = decideEviction({
      nowMs: clock.now(),
      pod,
      policy: policy.spec,
      skipped: isSkipped(pod.labels, namespace),
      ...(node !== undefined && { node }),
      assessment,
      replacement: replacementOf(pod, job, policy.spec.remediation.ownerKinds),
      webhook: reachOf(webhook, namespace, pod),
      hasBeenReady: readiness.hasBeenReady(pod.uid),
      ...this.#unschedulable(material, pod),
      forecast: this.#forecast(material, pod, assessment),
      limit: this.#limit(material, hasPlace),
      ...(tried.kind === 'failed' && { lastTry: tried.lastTry }),
      evictedBefore: tried.kind === 'accepted',
    });
    return { assessment, decision };
  }

  /** Only of a misplaced pod: a request for each pod of each Job would be many for nothing. */
  #jobOf(material: Material, signal: AbortSignal): Promise<JobFacts | undefined> {
    const { pod } = material;
    if (pod.owner === undefined || !ownedByJob(pod)) return Promise.resolve(undefined);
    if (assess(material, pod).kind !== 'misplaced' && !isUnschedulable(pod)) return Promise.resolve(undefined);
    return this.#options.jobs.get(pod.namespace, pod.owner, signal);
  }

  #forecast(
    { policy, namespace, node, inspections }: Material,
    pod: PodFacts,
    assessment: PlacementAssessment,
  ): ReplacementForecast {
    if (assessment.kind !== 'misplaced' || node === undefined) return 'right';
    const { nodes, clock } = this.#options;
    const input = { pod, namespace, policy, images: inspections, nodes: nodes.list(), nowMs: clock.now() };
    return forecastReplacement(input, node, assessment.architectures);
  }

  /** R9. */
  #unschedulable(
    { policy, namespace, inspections }: Material,
    pod: PodFacts,
  ): { readonly unschedulable?: Unschedulable } {
    if (!isUnschedulable(pod)) return {};
    const { nodes, clock } = this.#options;
    const nowMs = clock.now();
    const input = { pod, namespace, policy, images: inspections, nodes: nodes.list(), nowMs };
    const relaxed = isRelaxedAt(policy.status?.relaxed ?? [], workloadKey(pod), nowMs);
    return { unschedulable: { sinceMs: pod.scheduled.sinceMs, relaxingHelps: relaxingHelps(input), relaxed } };
  }

  /** The ledger counts by the monotonic clock; decisions are told in wall-clock time. */
  #limit(material: Material, hasPlace: boolean): EvictionLimit {
    const { ledger, clock } = this.#options;
    const monotonicMs = clock.monotonic();
    const account = accountOf(material);
    const { uid } = material.pod;
    const limit = hasPlace ? ledger.passes(account, uid, monotonicMs) : ledger.limit(account, uid, monotonicMs);
    return limit.kind === 'free' ? limit : { ...limit, untilMs: limit.untilMs - monotonicMs + clock.now() };
  }
}

/** What an eviction of this pod counts against. */
export function accountOf({ pod, policy }: Pick<Material, 'pod' | 'policy'>): EvictionAccount {
  return {
    policy: policy.name,
    maxPerMinute: policy.spec.remediation.maxEvictionsPerMinute,
    owner: controllerKey(topControllerOf(pod)),
  };
}

function assess({ node, inspections, policy }: Material, pod: PodFacts): PlacementAssessment {
  if (node === undefined || isTerminalOrTerminating(pod)) return { kind: 'node-unknown' };
  return assessPlacement({ pod, node, inspections, policy: policy.spec });
}

function reachOf(webhook: Webhook, namespace: NamespaceFacts, { labels }: PodFacts): EvictionInput['webhook'] {
  const call = webhook.callFor(namespace, labels);
  if (call !== 'called') return call;
  return webhook.isReachable() ? 'reachable' : 'unreachable';
}
