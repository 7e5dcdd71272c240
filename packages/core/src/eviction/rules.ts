import { ANNOTATION_DO_NOT_DISRUPT, ANNOTATION_SAFE_TO_EVICT } from '../kubernetes/annotations.ts';
import { ALLOW_EVICTION_NO, ANNOTATION_ALLOW_EVICTION } from '../kubernetes/archpolicy-keys.ts';
import { boundAtMs } from '../kubernetes/facts.ts';
import { hasTrueArchitectureLabel, hasTrueOsLabel } from '../kubernetes/node-labels.ts';
import { parseDurationMs } from '../policy/duration.ts';
import { report, wait } from './decision.ts';
import type { EvictionDecision } from './decision.ts';
import { hasRun, isRefused, keepsCrashing, READY_AFTER_MS, willHaveRunAtMs } from './has-run.ts';
import type { RunEvidence } from './has-run.ts';
import type { EvictionInput, Governed, Misplaced, RemediationPolicy } from './input.ts';

/**
 * Multiplies the grace period of a pod that has a working container, because an eviction would end that container, too.
 */
const GRACE_FACTOR_WHILE_WORKING = 10;

/**
 * Time after which every process has read that a platform is missing. A process reads the results of other processes about an image
 * within 10 minutes (K3). The additional minute allows for clock differences and work in progress.
 */
const MISSING_KNOWN_AFTER_MS = 11 * 60_000;

/**
 * R5: rejects the eviction if the labels and `nodeInfo` of the node differ, because the scheduler uses the labels, but the kubelet
 * uses its own platform.
 */
export function nodeIsContradictory({ node }: Misplaced): EvictionDecision | undefined {
  return hasTrueArchitectureLabel(node) && hasTrueOsLabel(node) ? undefined : report('NodeContradictory');
}

/** R2: rejects the eviction if the owner is not known to replace an evicted pod. */
export function ownerDoesNotReplace({ replacement }: Governed): EvictionDecision | undefined {
  return replacement.kind === 'replaced' ? undefined : report(replacement.reason);
}

/** R1: rejects the eviction of a pod with `archpolicy.dev/allow-eviction: "false"`. */
export function podOptsOut({ pod }: Governed): EvictionDecision | undefined {
  return pod.annotations[ANNOTATION_ALLOW_EVICTION] === ALLOW_EVICTION_NO ? report('OptedOut') : undefined;
}

/**
 * R10: rejects the eviction of a pod with an annotation against disruption by node autoscalers, if the pod runs or has run. The annotation protects
 * work from being lost, so it does not protect a pod that has never run.
 */
export function podMustNotBeDisrupted(input: Misplaced): EvictionDecision | undefined {
  const { annotations, ready } = input.pod;
  const isMarked =
    annotations[ANNOTATION_DO_NOT_DISRUPT] === 'true' || annotations[ANNOTATION_SAFE_TO_EVICT] === 'false';
  return isMarked && (ready.value || runsDespiteImages(input)) ? report('DoNotDisrupt') : undefined;
}

/**
 * R1, R10: rejects the eviction of a Ready pod, which runs regardless of the platforms that its images declare. Also rejects the eviction of a pod that has run
 * and is temporarily not Ready. Both have the same reason, so that a flapping pod is reported once.
 */
export function podRuns(input: Misplaced): EvictionDecision | undefined {
  const { nowMs, pod, policy } = input;
  if (policy.remediation.includeReady) return undefined;
  if (pod.ready.value) {
    const countsAtMs = pod.ready.sinceMs + READY_AFTER_MS;
    // A pod in a crash loop is Ready for less than a second. Its eviction waits, so that it consumes no disruption
    // budget while the pod is Ready.
    return nowMs >= countsAtMs ? report('ReadyOnWrongArchitecture') : wait('ReadyTooShort', countsAtMs);
  }
  const evidence = toRunEvidence(input);
  return hasRun(evidence) && !isRefused(evidence) && !keepsCrashing(evidence)
    ? report('ReadyOnWrongArchitecture')
    : undefined;
}

/** R10: returns whether the pod runs or has run on its node, although its images do not support the node. */
export function runsDespiteImages(
  input: Pick<EvictionInput, 'nowMs' | 'pod' | 'policy' | 'assessment' | 'hasBeenReady'>,
): boolean {
  const { nowMs, pod, policy, assessment } = input;
  if (policy === undefined || assessment.kind !== 'misplaced') return false;
  if (pod.ready.value && nowMs >= pod.ready.sinceMs + READY_AFTER_MS) return true;
  return hasRun(toRunEvidence({ ...input, policy, assessment }));
}

function toRunEvidence({
  nowMs,
  pod,
  policy,
  assessment,
  hasBeenReady,
  crashes,
}: Pick<Misplaced, 'nowMs' | 'pod' | 'policy' | 'assessment' | 'hasBeenReady' | 'crashes'>): RunEvidence {
  const evidence = { nowMs, pod, images: assessment.images, hasBeenReady, graceMs: gracePeriodMs(policy) };
  return crashes === undefined ? evidence : { ...evidence, crashes };
}

/** R4: rejects the eviction if the replacement would not be placed on a node that can run it. */
export function replacementWouldNotFit({ assessment, forecast }: Misplaced): EvictionDecision | undefined {
  if (assessment.architectures.length === 0) return report('NoCommonArchitecture');
  switch (forecast) {
    case 'same-node':
      return report('WouldLandWrong');
    case 'no-node':
      return report('NoNodeForReplacement');
    case 'right':
    case 'from-zero':
      return undefined;
  }
}

/**
 * R4, I9: rejects the eviction while a replica of the webhook may not have read yet that a platform is missing in the registry. Such a replica
 * would place the replacement on a node of that platform again.
 */
export function webhookMayUseMissingPlatform({ nowMs, assessment }: Misplaced): EvictionDecision | undefined {
  if (assessment.missingSinceMs === undefined) return undefined;
  const knownAtMs = assessment.missingSinceMs + MISSING_KNOWN_AFTER_MS;
  return nowMs < knownAtMs ? wait('PlatformMissing', knownAtMs) : undefined;
}

/** R3: rejects the eviction if the webhook would not be called for the replacement, which could then be placed on any node. */
export function webhookWouldNotBeCalled({ webhook }: Governed): EvictionDecision | undefined {
  switch (webhook) {
    case 'not-installed':
      return report('WebhookNotInstalled');
    case 'not-called':
      return report('WebhookNotCalled');
    case 'unknown':
      return report('WebhookCallUnknown');
    case 'reachable':
    case 'unreachable':
      return undefined;
  }
}

/**
 * R10: rejects the eviction while the node is not Ready. The taints of such a node already evict its pods, and the status of these pods may be as old
 * as the kubelet's last update.
 */
export function nodeIsNotReady({ node }: Misplaced): EvictionDecision | undefined {
  return node.ready ? undefined : wait('NodeNotReady');
}

/** R1, R10: rejects the eviction during the grace period, and while a running container has not yet run for as long as the grace period. */
export function podIsTooYoung(input: Misplaced): EvictionDecision | undefined {
  const { nowMs, pod, policy } = input;
  const works = pod.containers.some(({ running, ready }) => running && ready);
  const untilMs = boundAtMs(pod) + gracePeriodMs(policy) * (works ? GRACE_FACTOR_WHILE_WORKING : 1);
  if (nowMs < untilMs) return wait('GracePeriod', untilMs);
  const evidence = toRunEvidence(input);
  if (policy.remediation.includeReady || hasRun(evidence) || isRefused(evidence)) return undefined;
  const runsAtMs = willHaveRunAtMs(evidence);
  return runsAtMs === undefined ? undefined : wait('GracePeriod', runsAtMs);
}

/** Returns the grace period. The API server rejects invalid durations; if one was stored nevertheless, the grace period never ends. */
function gracePeriodMs({ remediation }: RemediationPolicy): number {
  return parseDurationMs(remediation.gracePeriodAfterScheduling) ?? Number.POSITIVE_INFINITY;
}

/** R1: rejects any eviction if the policy is in `mode: Audit` or its `remediation.action` is not `Evict`. */
export function policyDoesNotEvict({ policy }: Governed): EvictionDecision | undefined {
  if (policy.mode !== 'Enforce') return report('AuditMode');
  return policy.remediation.action === 'Evict' ? undefined : report('ReportOnly');
}

/** R3: rejects the eviction while the webhook does not answer its probe. */
export function webhookIsUnreachable({ webhook }: Governed): EvictionDecision | undefined {
  return webhook === 'reachable' ? undefined : wait('WebhookUnreachable');
}

/** R8: rejects the eviction until the retry time of the last attempt. Before that time, a new attempt would have the same result. */
export function lastAttemptForbids({ nowMs, lastAttempt }: Governed): EvictionDecision | undefined {
  if (lastAttempt === undefined || nowMs >= lastAttempt.untilMs) return undefined;
  const { reason, untilMs } = lastAttempt;
  return reason === 'Refused' ? report(reason) : wait(reason, untilMs);
}

/**
 * R6 to R8: rejects the eviction while the limit of the policy, the owner or the cluster is reached, the brake stops evictions, or the
 * pod's disruption budget blocks.
 */
export function limitIsReached({ limit }: Governed): EvictionDecision | undefined {
  if (limit.kind === 'free') return undefined;
  return limit.reason === 'SeveralBudgets' ? report(limit.reason) : wait(limit.reason, limit.untilMs);
}

/**
 * R9: rejects the eviction until the policy's status lists the pod's owner among those whose preference is skipped. This can last,
 * because the status may have no room for a further entry.
 */
export function preferenceIsNotRelaxed({ unschedulable }: Governed): EvictionDecision | undefined {
  return unschedulable?.relaxed === false ? wait('Relaxing') : undefined;
}
