import type { PodFacts } from '../kubernetes/facts.ts';
import { hasRoom, sumRequests } from '../kubernetes/requests.ts';
import type { ReservedRequests } from '../kubernetes/requests.ts';
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

/** How long a pod may be unschedulable before ArchPolicy acts (R9), because autoscalers and rollouts need some time. */
export const UNSCHEDULABLE_AFTER_MS = 2 * 60_000;
/**
 * Replaces {@link UNSCHEDULABLE_AFTER_MS} for a pod with a nominated node, because the pods that the scheduler preempts
 * on that node may use their whole grace period.
 */
export const NOMINATED_AFTER_MS = 10 * 60_000;
/** Replaces a `scaleFromZeroWait` that does not parse, although the CRD's schema did not reject it. */
const SCALE_FROM_ZERO_WAIT_MS = 10 * 60_000;
/** How long decisions skip the preference for the owner of an unschedulable pod. */
export const RELAXED_FOR_MS = 60 * 60_000;

/** An unschedulable pod that carries additions of ArchPolicy (R9). */
export interface Unschedulable {
  /**
   * Milliseconds since this process first observed the pod as unschedulable. The condition's own time is not used, because it
   * includes the time in which the pod had a scheduling gate.
   */
  readonly forMs: number;
  /** How long the pod may be unschedulable, milliseconds: see {@link unschedulableAfterMs}. */
  readonly afterMs: number;
  /** Whether the policy's preference excludes a ready node that could otherwise take the pod. */
  readonly relaxingHelps: boolean;
  /** Whether the policy's status lists the pod's workload among those whose preference is skipped. */
  readonly relaxed: boolean;
}

/** Returns whether the scheduler has reported the pod as unschedulable, and the pod has a decision of ArchPolicy and no scheduling gate. */
export function isUnschedulable(pod: PodFacts): boolean {
  const { scheduled, nodeName, schedulingGates } = pod;
  if (nodeName !== undefined || schedulingGates.length > 0 || isTerminalOrTerminating(pod)) return false;
  if (scheduled.value || scheduled.reason !== 'Unschedulable') return false;
  return readDecision(pod.annotations) !== undefined;
}

/** A workload whose pods are unschedulable because of the policy's preference for an architecture. */
export interface StuckWorkload {
  /** The key of the workload, as {@link workloadKey} returns it. */
  readonly workload: string;
  /** The only architecture that the pod allows; absent if it allows several. */
  readonly architecture?: string;
}

export function stuckWorkload(pod: PodFacts): StuckWorkload {
  const architecture = requiredArchitecture(pod);
  return { workload: workloadKey(pod), ...(architecture !== undefined && { architecture }) };
}

/**
 * Returns the only architecture that the pod's selector and required terms allow; undefined if they allow several, or no
 * architecture. See {@link requiredArchitectures}.
 */
export function requiredArchitecture(
  pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
): NodeArchitecture | undefined {
  const [architecture, ...further] = requiredArchitectures(pod);
  return further.length === 0 ? architecture : undefined;
}

/**
 * Returns the architectures that the pod's selector and required terms allow. Returns an empty list if they allow all architectures,
 * or no architecture. The decision annotation is not read, because tenants can write it.
 */
export function requiredArchitectures(
  pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
): readonly NodeArchitecture[] {
  const allowed = allowedByOwner(pod, NODE_ARCHITECTURES);
  return allowed.length < NODE_ARCHITECTURES.length ? allowed : [];
}

/**
 * R9: returns how long the pod may be unschedulable, milliseconds. The limit is longer if an autoscaler may add a node
 * for the pod: its selector and required terms (as in {@link requiredArchitectures}) exclude at least one architecture,
 * and allow an architecture of `scaleFromZero`.
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
  /** Returns what the pods reserve that are bound to the node of this name ({@link reservedBy}). */
  readonly reservedOn: (node: string) => ReservedRequests;
}

/**
 * R9: returns whether some ready node cannot take the pod, but could take its replacement without the policy's preference. Compares
 * selectors, taints, and the node's free resources. Returns false while the scheduler's message names a claim that no node can satisfy,
 * because another node would not help then.
 */
export function relaxingHelps(input: RelaxationInput): boolean {
  const { pod, nodes, reservedOn } = input;
  if (pod.lacksClaim === true) return false;
  const relaxed = replacementDemand({ ...input, preferenceRelaxed: true });
  return feasibleNodes(relaxed, nodes).some(
    (node) =>
      (!matchesNode(pod, node) || untolerated(node, pod.tolerations).length > 0) &&
      hasRoom(pod.requests ?? {}, node.allocatable, reservedOn(node.name)),
  );
}

/** Returns what the pods of a node reserve. As in the scheduler, each bound pod that has not ended reserves its requests. */
export function reservedBy(boundPods: readonly Pick<PodFacts, 'requests' | 'phase'>[]): ReservedRequests {
  return sumRequests(boundPods.filter((bound) => !isTerminal(bound)).map(({ requests = {} }) => requests));
}
