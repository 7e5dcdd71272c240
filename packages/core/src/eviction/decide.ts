import { isTerminal } from '../pod/lifecycle.ts';
import { leave, report, wait } from './decision.ts';
import type { EvictionDecision } from './decision.ts';
import type { EvictionInput, Governed, Misplaced } from './input.ts';
import {
  lastAttemptForbids,
  limitIsReached,
  nodeIsContradictory,
  nodeIsNotReady,
  ownerDoesNotReplace,
  podIsTooYoung,
  podMustNotBeDisrupted,
  podOptsOut,
  podRuns,
  policyDoesNotEvict,
  preferenceIsNotRelaxed,
  replacementWouldNotFit,
  webhookIsUnreachable,
  webhookMayUseMissingPlatform,
  webhookWouldNotBeCalled,
} from './rules.ts';

/**
 * Decides whether to evict one pod, by R1 to R10. The rules are evaluated in order, and the first objection is the decision. A pod to
 * which no rule objects is evicted. Lasting objections come before temporary ones, so that a report names the lasting reason. The
 * policy's mode is checked before the webhook and the limits, so that Audit reports the same pods even during an outage.
 */
export function decideEviction(input: EvictionInput): EvictionDecision {
  const verdict = checkScope(input) ?? decideUnschedulable(input) ?? checkMisplaced(input);
  if (isDecision(verdict)) return verdict;
  for (const rule of RULES) {
    const objection = rule(verdict);
    if (objection !== undefined) return objection;
  }
  const { pod, assessment } = verdict;
  return {
    kind: 'evict',
    reason: 'Misplaced',
    preconditions: pod.ready.value ? { uid: pod.uid } : { uid: pod.uid, resourceVersion: pod.resourceVersion },
    architectures: assessment.architectures,
    signal: assessment.signal.signal,
  };
}

/** Returns the decision against an eviction, or undefined if the rule does not object. */
type Rule<Pod> = (pod: Pod) => EvictionDecision | undefined;

/** The rules for a misplaced pod (R1 to R8 and R10), in the order of evaluation. */
const RULES: readonly Rule<Misplaced>[] = [
  // R5: The node's labels contradict its `nodeInfo`.
  nodeIsContradictory,
  // R2: The owner is not known to replace an evicted pod.
  ownerDoesNotReplace,
  // R1: The pod carries `archpolicy.dev/allow-eviction: "false"`.
  podOptsOut,
  // R1, R10: The pod is Ready, or has run on this node and shows no refusal.
  podRuns,
  // R10: The pod runs or has run, and an annotation forbids Karpenter or the cluster autoscaler to move it.
  podMustNotBeDisrupted,
  // R4: The replacement would not be bound, or would be bound to a node that does not support its images.
  replacementWouldNotFit,
  // R4, I9: A webhook may not have read yet that the node's platform is missing in the registry.
  webhookMayUseMissingPlatform,
  // R3: The installed webhook configuration does not select the replacement.
  webhookWouldNotBeCalled,
  // R10: The node is not Ready.
  nodeIsNotReady,
  // R1, R10: The grace period is not over, or a container is running that has not yet run for the grace period.
  podIsTooYoung,
  // R1: The policy does not set both mode Enforce and action Evict.
  policyDoesNotEvict,
  // R3: The webhook does not answer.
  webhookIsUnreachable,
  // R8: The answer to the last attempt forbids another attempt now.
  lastAttemptForbids,
  // R6, R7: A limit of policy or owner is reached, or the brake stops evictions.
  limitIsReached,
];

/** R9: the rules for an unschedulable pod, in the order of evaluation. */
const UNSCHEDULABLE_RULES: readonly Rule<Governed>[] = [
  // R2: The owner is not known to replace an evicted pod.
  ownerDoesNotReplace,
  // R1: The pod carries `archpolicy.dev/allow-eviction: "false"`.
  podOptsOut,
  // R3: The installed webhook configuration does not select the replacement.
  webhookWouldNotBeCalled,
  // R1: The policy does not set both mode Enforce and action Evict.
  policyDoesNotEvict,
  // R3: The webhook does not answer.
  webhookIsUnreachable,
  // R9: The policy's status does not show yet that the preference is skipped for the owner.
  preferenceIsNotRelaxed,
  // R8: The answer to the last attempt forbids another attempt now.
  lastAttemptForbids,
  // R6, R7: A limit of policy or owner is reached, or the brake stops evictions.
  limitIsReached,
];

/** R1, P3: checks the rules that need no image facts. Returns why remediation ignores the pod, or undefined if no rule matches. */
function checkScope({
  pod,
  policy,
  skipped,
  namespaceDeleting,
  evictedBefore,
  node,
  unschedulable,
}: EvictionInput): EvictionDecision | undefined {
  // R1: No policy governs the pod.
  if (policy === undefined) return leave('NoPolicy');
  // R1: The pod or its namespace carries the skip label.
  if (skipped) return leave('Skipped');
  // R1: The pod has finished.
  if (isTerminal(pod)) return leave('Finished');
  // R1: The pod or its namespace is terminating. In such a namespace nothing can replace the pod.
  if (pod.deleting || namespaceDeleting) return leave('Terminating');
  // P3: An eviction of this pod has been accepted.
  if (evictedBefore) return leave('AlreadyEvicted');
  // R9: The pod has no node. Of such pods, only unschedulable ones with additions of ArchPolicy are evaluated further.
  if (pod.nodeName === undefined) return unschedulable === undefined ? leave('NotBound') : undefined;
  // R5: The pod's node is not known.
  return node === undefined ? leave('NodeUnknown') : undefined;
}

/**
 * R9: decides whether to evict an unschedulable pod. Waits until the policy's status lists the pod's owner, because only then is the
 * replacement placed without the preference.
 */
function decideUnschedulable(input: EvictionInput): EvictionDecision | undefined {
  const { unschedulable, nowMs, pod, policy } = input;
  if (unschedulable === undefined || policy === undefined) return undefined;
  const missingMs = unschedulable.afterMs - unschedulable.forMs;
  if (missingMs > 0) return wait('UnschedulableTooShort', nowMs + missingMs);
  if (!unschedulable.relaxingHelps) return report('Unschedulable');
  for (const rule of UNSCHEDULABLE_RULES) {
    const objection = rule({ ...input, policy });
    if (objection !== undefined) return objection;
  }
  const preconditions = { uid: pod.uid, resourceVersion: pod.resourceVersion };
  return { kind: 'evict', reason: 'Unschedulable', preconditions, architectures: [], signal: 'None' };
}

/**
 * R9: returns whether the policy's status must list the pod's workload as one whose preference is skipped. The result
 * does not depend on whether this pod may be evicted, because even if this pod stays, the next pod of the workload then
 * finds a node.
 */
export function needsRelaxation(input: EvictionInput): boolean {
  const { unschedulable, policy } = input;
  if (checkScope(input) !== undefined || unschedulable === undefined || policy?.mode !== 'Enforce') return false;
  const { forMs, afterMs, relaxingHelps, relaxed } = unschedulable;
  return forMs >= afterMs && relaxingHelps && !relaxed;
}

function checkMisplaced(input: EvictionInput): EvictionDecision | Misplaced {
  const { assessment, policy, node } = input;
  if (policy === undefined) return leave('NoPolicy');
  if (node === undefined) return leave('NodeUnknown');
  switch (assessment.kind) {
    case 'fits':
      return leave('Fits');
    case 'broken-image':
      return report('BrokenImage');
    case 'node-unknown':
      return leave('NodeUnknown');
    case 'unknown':
      return assessment.waitingHelps ? wait('ImagesUnknown', assessment.retryAtMs) : report('ImagesUnknown');
    case 'misplaced':
      return { ...input, policy, node, assessment };
  }
}

function isDecision(verdict: EvictionDecision | Misplaced): verdict is EvictionDecision {
  return 'kind' in verdict;
}
