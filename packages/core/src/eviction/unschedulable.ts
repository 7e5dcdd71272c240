import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { hasRoom } from '../kubernetes/requests.ts';
import { workloadKey } from '../kubernetes/top-controller.ts';
import { readDecision } from '../placement/annotation.ts';
import { allowedByOwner } from '../placement/node-constraints.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { feasibleNodes } from '../pod/feasible-nodes.ts';
import { isTerminal, isTerminalOrTerminating } from '../pod/lifecycle.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { parseDurationMs } from '../policy/duration.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import { untolerated } from '../requirement/tolerations.ts';
import { replacementDemand } from './replacement-forecast.ts';
import type { ReplacementInput } from './replacement-forecast.ts';

/** How long a pod may be unschedulable before it is handled (R9): autoscalers and rollouts need some time. */
export const UNSCHEDULABLE_AFTER_MS = 2 * 60_000;
/** The same for a pod with a nominated node: the pods that the scheduler preempts have up to their grace period to end. */
export const NOMINATED_AFTER_MS = 10 * 60_000;
/** For a duration that the CRD's schema did not reject although it does not parse. */
const SCALE_FROM_ZERO_WAIT_MS = 10 * 60_000;
/** How long decisions for its owner skip the preference. */
export const RELAXED_FOR_MS = 60 * 60_000;

/** An unschedulable pod that carries additions of ArchPolicy (R9). */
export interface Unschedulable {
  /** Milliseconds since it was first observed unschedulable. The condition's own time would include the time behind scheduling gates. */
  readonly forMs: number;
  /** How long it may be unschedulable: see {@link unschedulableAfterMs}. */
  readonly afterMs: number;
  /** Whether a ready node would take it without the policy's preference, but does not with it. */
  readonly relaxingHelps: boolean;
  /** The policy's status lists its workload among those whose preference is skipped. */
  readonly relaxed: boolean;
}

/** Whether the pod carries a decision of ArchPolicy, has no scheduling gate, and the scheduler has reported it as unschedulable. */
export function isUnschedulable(pod: PodFacts): boolean {
  const { scheduled, nodeName, schedulingGates } = pod;
  if (nodeName !== undefined || schedulingGates.length > 0 || isTerminalOrTerminating(pod)) return false;
  if (scheduled.value || scheduled.reason !== 'Unschedulable') return false;
  return readDecision(pod.annotations) !== undefined;
}

/** A workload whose pods are unschedulable because of the policy's preference for an architecture. */
export interface StuckWorkload {
  /** As {@link workloadKey} returns it. */
  readonly workload: string;
  /** The only architecture that its pods allow; absent if they allow several. */
  readonly architecture?: string;
}

export function stuckWorkload(pod: PodFacts): StuckWorkload {
  const architecture = requiredArchitecture(pod);
  return { workload: workloadKey(pod), ...(architecture !== undefined && { architecture }) };
}

/**
 * Returns the only architecture that the pod's selector and required terms allow; undefined if they allow several, or none. See
 * {@link requiredArchitectures}.
 */
export function requiredArchitecture(
  pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
): NodeArchitecture | undefined {
  const [architecture, ...further] = requiredArchitectures(pod);
  return further.length === 0 ? architecture : undefined;
}

/**
 * Returns the architectures that the pod's selector and required terms allow; none if they allow all, or none. The decision
 * annotation is not read: tenants can write it.
 */
export function requiredArchitectures(
  pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
): readonly NodeArchitecture[] {
  const allowed = allowedByOwner(pod, NODE_ARCHITECTURES);
  return allowed.length < NODE_ARCHITECTURES.length ? allowed : [];
}

/**
 * R9: returns how long the pod may be unschedulable, milliseconds. It waits longer for a node that an autoscaler adds: if its selector
 * and required terms (as in {@link requiredArchitecture}) exclude some architecture, and allow one of `scaleFromZero`.
 */
export function unschedulableAfterMs(
  pod: Pick<PodFacts, 'nominated' | 'nodeSelector' | 'requiredAffinity'>,
  { scaleFromZero, scaleFromZeroWait }: Pick<ArchPolicySpec, 'scaleFromZero' | 'scaleFromZeroWait'>,
): number {
  const waitsForNode = requiredArchitectures(pod).some((architecture) =>
    scaleFromZero.some((one) => one === architecture),
  );
  return Math.max(
    UNSCHEDULABLE_AFTER_MS,
    pod.nominated === true ? NOMINATED_AFTER_MS : 0,
    waitsForNode ? (parseDurationMs(scaleFromZeroWait) ?? SCALE_FROM_ZERO_WAIT_MS) : 0,
  );
}

export interface RelaxationInput extends ReplacementInput {
  /** Returns the pods that are bound to a node. */
  readonly podsOn: (node: string) => readonly Pick<PodFacts, 'requests' | 'phase'>[];
}

/**
 * R9: whether, without the policy's preference, a ready node could take the pod's replacement that cannot take the pod: by selectors,
 * taints, and the node's free resources. The scheduler's message can only exclude that: while it names a claim that no node can
 * satisfy, another node would not help.
 */
export function relaxingHelps(input: RelaxationInput): boolean {
  const { pod, nodes, podsOn } = input;
  if (pod.lacksClaim === true) return false;
  const relaxed = replacementDemand({ ...input, preferenceRelaxed: true });
  return feasibleNodes(relaxed, nodes).some(
    (node) =>
      (!matchesNode(pod, node) || untolerated(node, pod.tolerations).length > 0) &&
      hasRoomFor(pod, node, podsOn(node.name)),
  );
}

/** The scheduler reserves resources for all pods that are bound to the node and have not ended. */
function hasRoomFor(
  { requests = {} }: Pick<PodFacts, 'requests'>,
  { allocatable }: Pick<NodeFacts, 'allocatable'>,
  boundPods: readonly Pick<PodFacts, 'requests' | 'phase'>[],
): boolean {
  const reserved = boundPods.filter((bound) => !isTerminal(bound)).map((bound) => bound.requests ?? {});
  return hasRoom(requests, allocatable, reserved);
}
