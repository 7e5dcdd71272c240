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

/** A pod that has found no node for this long is told of: autoscalers and rollouts need some time, too. */
export const UNSCHEDULABLE_AFTER_MS = 2 * 60_000;
/** The same of a pod that the scheduler makes room for: the pods that it preempts have up to their grace period to end. */
export const NOMINATED_AFTER_MS = 10 * 60_000;
/** The schema validates the duration; this is for a value that it missed. */
const SCALE_FROM_ZERO_WAIT_MS = 10 * 60_000;
/** How long the next decisions for its owner skip the preference. */
export const RELAXED_FOR_MS = 60 * 60_000;

/** What is known of a pod that carries our additions and finds no node (R9). */
export interface Unschedulable {
  /** For how long, since it was first seen so: the condition's own time includes that behind scheduling gates. */
  readonly forMs: number;
  /** For how long it may be so: see {@link unschedulableAfterMs}. */
  readonly afterMs: number;
  /** Whether a ready node would take it without our preference, and does not with it. */
  readonly relaxingHelps: boolean;
  /** The policy's status says that the preference is skipped for its workload. */
  readonly relaxed: boolean;
}

/** Whether the pod carries a record of ours, is behind no gate, and the scheduler has said that it finds no node. */
export function isUnschedulable(pod: PodFacts): boolean {
  const { scheduled, nodeName, schedulingGates } = pod;
  if (nodeName !== undefined || schedulingGates.length > 0 || isTerminalOrTerminating(pod)) return false;
  if (scheduled.value || scheduled.reason !== 'Unschedulable') return false;
  return readDecision(pod.annotations) !== undefined;
}

/** A workload whose pods find no node because of our preference for an architecture. */
export interface StuckWorkload {
  /** As `workloadKey` names it. */
  readonly workload: string;
  /** That its pods were narrowed to; absent: several. */
  readonly architecture?: string;
}

export function stuckWorkload(pod: PodFacts): StuckWorkload {
  const architecture = narrowedTo(pod);
  return { workload: workloadKey(pod), ...(architecture !== undefined && { architecture }) };
}

/**
 * The only architecture that the pod's selector and required terms allow; undefined when they allow several, or none. The record
 * of our decision is no evidence: tenants can write the annotation.
 */
export function narrowedTo(pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>): NodeArchitecture | undefined {
  const [architecture, ...others] = allowedByOwner(pod, NODE_ARCHITECTURES);
  return others.length === 0 ? architecture : undefined;
}

/**
 * R9: how long the pod may look for a node before it counts as one that our preference keeps from every node. What it is narrowed to
 * is read from its selector and required terms, as in {@link narrowedTo}; one that they leave every architecture to waits for no
 * certain one.
 */
export function unschedulableAfterMs(
  pod: Pick<PodFacts, 'nominated' | 'nodeSelector' | 'requiredAffinity'>,
  { scaleFromZero, scaleFromZeroWait }: Pick<ArchPolicySpec, 'scaleFromZero' | 'scaleFromZeroWait'>,
): number {
  const allowed = allowedByOwner(pod, NODE_ARCHITECTURES);
  const isNarrowed = allowed.length < NODE_ARCHITECTURES.length;
  const waitsForNode = isNarrowed && allowed.some((architecture) => scaleFromZero.some((one) => one === architecture));
  return Math.max(
    UNSCHEDULABLE_AFTER_MS,
    pod.nominated === true ? NOMINATED_AFTER_MS : 0,
    waitsForNode ? (parseDurationMs(scaleFromZeroWait) ?? SCALE_FROM_ZERO_WAIT_MS) : 0,
  );
}

export interface RelaxationInput extends ReplacementInput {
  /** The pods that are bound to a node. */
  readonly podsOn: (node: string) => readonly Pick<PodFacts, 'requests' | 'phase'>[];
}

/**
 * R9: whether dropping our preference would let a ready node take the pod's replacement that cannot take the pod: by selectors,
 * taints, and requests against what the node has left. What the scheduler says only excludes: while it names a claim that no
 * node can satisfy, another node would not help.
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

/** The scheduler reserves for all pods that are bound to the node and have not ended. */
function hasRoomFor(
  { requests = {} }: Pick<PodFacts, 'requests'>,
  { allocatable }: Pick<NodeFacts, 'allocatable'>,
  others: readonly Pick<PodFacts, 'requests' | 'phase'>[],
): boolean {
  const reserved = others.filter((other) => !isTerminal(other)).map((other) => other.requests ?? {});
  return hasRoom(requests, allocatable, reserved);
}
