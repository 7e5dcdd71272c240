import type { Inspection } from '../inspection/inspection.ts';
import { isSchedulable } from '../kubernetes/facts.ts';
import type { NamespaceFacts, NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { isJsonObject } from '../kubernetes/json.ts';
import { labelOf } from '../kubernetes/read.ts';
import { readPodSpec } from '../kubernetes/pod-spec.ts';
import type { PodSpecFacts } from '../kubernetes/pod-spec.ts';
import { LABEL_ARCH } from '../placement/demand.ts';
import { applyPatch } from '../placement/json-patch.ts';
import { placePod } from '../placement/place-pod.ts';
import { isSearchable } from '../pod/limits.ts';
import { readSubject } from '../placement/subject.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import { untolerated } from '../requirement/tolerations.ts';
import { isAgainstTerms } from './against-terms.ts';
import { replacementPod } from './replacement-pod.ts';

/** Where a replacement would come to stand (R4). */
export type LandingForecast =
  /** On a node that can run it, and not on this one again. */
  | 'right'
  /** No ready, schedulable node that can run it would take it. */
  | 'no-node'
  /** Nothing would keep it from this node, or one like it. */
  | 'same-node';

export interface ReplacementInput {
  readonly pod: PodFacts;
  readonly namespace: NamespaceFacts;
  readonly policy: ArchPolicy;
  /** What is known of the pod's images, by their strings. */
  readonly images: ReadonlyMap<string, Inspection>;
  readonly nodes: readonly NodeFacts[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Whatever the policy's status says: without our preference (R9). */
  readonly preferenceRelaxed?: boolean;
}

/** What the scheduler would be asked for. */
export type SchedulingDemand = Pick<PodSpecFacts, 'os' | 'nodeSelector' | 'requiredAffinity' | 'tolerations'>;

/**
 * What a replacement of this pod would ask of the scheduler once the webhook has decided about it: afresh, by today's
 * policy, nodes and images, without what we once added. A policy in Audit is taken as it would be in Enforce.
 */
export function replacementDemand({ pod, namespace, policy, ...rest }: ReplacementInput): SchedulingDemand {
  const raw = replacementPod(pod);
  const { patch } = placePod({
    ...rest,
    pod: raw,
    namespace: namespace.name,
    namespaceFacts: namespace,
    policy: { ...policy, spec: { ...policy.spec, mode: 'Enforce' } },
    operation: 'CREATE',
    canGate: true,
  });
  const patched = applyPatch(raw, patch);
  return readPodSpec(patched.kind === 'applied' && isJsonObject(patched.value) ? patched.value : raw);
}

/**
 * R4: the replacement must be kept from this node, and a node that can run it must be able to take it.
 *
 * @param node the one that the pod is bound to
 * @param architectures what all its images support
 */
export function forecastLanding(
  input: ReplacementInput,
  node: NodeFacts,
  architectures: readonly NodeArchitecture[],
): LandingForecast {
  const demand = replacementDemand(input);
  if (!isAgainstTerms(demand, node)) return 'same-node';
  const candidates = input.nodes.filter(({ architecture }) => architectures.some((one) => one === architecture));
  return takers(demand, candidates).length > 0 ? 'right' : 'no-node';
}

/** The ready, schedulable nodes that satisfy the demand and have no taint that it does not tolerate. */
export function takers(demand: SchedulingDemand, nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  const subject = readSubject({ spec: {} });
  const terms = demand.requiredAffinity?.nodeSelectorTerms;
  const sized = { ...subject, ...demand, ...(terms !== undefined && { terms }) };
  // As placement does: a pod is of a tenant's choice, and one that needs more steps than that finds no node.
  if (!isSearchable(sized, nodes.length)) return [];
  return nodes.filter((node) => canTake(demand, node));
}

/** A node whose label and report differ is not known for what it is. */
function canTake(demand: SchedulingDemand, node: NodeFacts): boolean {
  return (
    isSchedulable(node) &&
    node.os === demand.os &&
    labelOf(node.labels, LABEL_ARCH) === node.architecture &&
    untolerated(node, demand.tolerations).length === 0 &&
    matchesNode(demand, node)
  );
}
