import { boundAtMs } from '../kubernetes/facts.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { hasTrueArchitectureLabel, hasTrueOsLabel } from '../kubernetes/node-labels.ts';
import { isTerminal } from '../pod/lifecycle.ts';
import { parseDurationMs } from '../policy/duration.ts';
import { ALLOW_EVICTION_NO, ANNOTATION_ALLOW_EVICTION } from '../kubernetes/archpolicy-keys.ts';
import type { PlacementAssessment } from './assess.ts';
import type { EvictionDecision, LastTry, LeaveReason, ReportReason, WaitReason } from './decision.ts';
import { hasRun, isRefused, keepsCrashing, READY_AFTER_MS, willHaveRunAtMs } from './has-run.ts';
import type { CrashHistory, RunEvidence } from './has-run.ts';
import type { WebhookCall } from './installed-webhook.ts';
import type { ReplacementForecast } from './replacement-forecast.ts';
import type { EvictionLimit } from './ledger.ts';
import type { Replacement } from './owner.ts';
import { UNSCHEDULABLE_AFTER_MS } from './unschedulable.ts';
import type { Unschedulable } from './unschedulable.ts';

/** A pod of which one container works gets this many times the grace period: evicting it ends what works, too. */
const GRACE_FACTOR_WHILE_WORKING = 10;

/** The part of a policy that remediation obeys. */
export type RemediationPolicy = Pick<ArchPolicySpec, 'mode' | 'remediation'>;

/** Everything that decides about one pod. Gathered first, so that the decision itself waits for nothing. */
export interface EvictionInput {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: PodFacts;
  /** The policy that governs the pod; absent when none does. */
  readonly policy?: RemediationPolicy;
  /** The pod or its namespace carries the skip label. */
  readonly skipped: boolean;
  /** The node that the pod is bound to; absent when it is bound to none, or to one that is not known. */
  readonly node?: NodeFacts;
  /** The pod's images against its node. */
  readonly assessment: PlacementAssessment;
  /** This process has observed the pod (by UID) Ready for {@link READY_AFTER_MS} (R10). */
  readonly hasBeenReady: boolean;
  /** What this process has observed of its crashes; absent when there were none (R10). */
  readonly crashes?: CrashHistory;
  /** Present for a pod that carries our additions and finds no node (R9). */
  readonly unschedulable?: Unschedulable;
  /** Whether its owner replaces it (R2). */
  readonly replacement: Replacement;
  /** Whether the webhook would be asked about the replacement, and answers (R3). */
  readonly webhook: 'reachable' | 'unreachable' | Exclude<WebhookCall, 'called'>;
  /** Where the replacement would come to stand (R4). */
  readonly forecast: ReplacementForecast;
  /** What the limits and the brake say (R6, R7). */
  readonly limit: EvictionLimit;
  /** What came of the last try, when it was not accepted (R8). */
  readonly lastTry?: LastTry;
  /** An eviction of this very pod (by UID) has been accepted already (P3). */
  readonly evictedBefore: boolean;
}

/** A pod that a policy governs. */
type Governed = EvictionInput & { readonly policy: RemediationPolicy };

/** A misplacement, once it is known to be one. */
type Misplaced = EvictionInput & {
  readonly policy: RemediationPolicy;
  readonly node: NodeFacts;
  readonly assessment: Extract<PlacementAssessment, { kind: 'misplaced' }>;
};

/**
 * Decides about one pod by R1 to R7 and R10, and by what the last try taught (R8). The rules are asked in order and the first that objects decides; what no rule
 * objects to is evicted. What can never change comes before what can, so that a report names the lasting reason, and
 * the mode comes before webhook and limits: an Audit says what Enforce would do, whatever else is down.
 */
export function decideEviction(input: EvictionInput): EvictionDecision {
  const verdict = concernsUs(input) ?? decideUnschedulable(input) ?? isMisplaced(input);
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

type Rule = (pod: Misplaced) => EvictionDecision | undefined;

const RULES: readonly Rule[] = [
  nodeAgrees,
  isReplaced,
  mayBeEvicted,
  doesNotRun,
  landsRight,
  webhookIsAsked,
  nodeIsReady,
  isOldEnough,
  isEnforced,
  webhookAnswers,
  mayTryAgain,
  withinLimits,
];

/** Of those, what a pod without a node can be asked. */
const UNSCHEDULABLE_RULES: readonly ((pod: Governed) => EvictionDecision | undefined)[] = [
  isReplaced,
  mayBeEvicted,
  webhookIsAsked,
  isEnforced,
  webhookAnswers,
  isRelaxed,
  mayTryAgain,
  withinLimits,
];

/** R1, the part that needs no look at images. */
function concernsUs({
  pod,
  policy,
  skipped,
  evictedBefore,
  node,
  unschedulable,
}: EvictionInput): EvictionDecision | undefined {
  if (policy === undefined) return leave('NoPolicy');
  if (skipped) return leave('Skipped');
  if (isTerminal(pod)) return leave('Finished');
  if (pod.deleting) return leave('Terminating');
  if (evictedBefore) return leave('AlreadyEvicted');
  if (pod.nodeName === undefined) return unschedulable === undefined ? leave('NotBound') : undefined;
  return node === undefined ? leave('NodeUnknown') : undefined;
}

/** R9: evicted like a misplaced pod, once the policy's status says that its replacement will not be narrowed. */
function decideUnschedulable(input: EvictionInput): EvictionDecision | undefined {
  const { unschedulable, nowMs, pod, policy } = input;
  if (unschedulable === undefined || policy === undefined) return undefined;
  const countsAtMs = unschedulable.sinceMs + UNSCHEDULABLE_AFTER_MS;
  if (nowMs < countsAtMs) return wait('UnschedulableTooShort', countsAtMs);
  if (!unschedulable.relaxingHelps) return report('Unschedulable');
  for (const rule of UNSCHEDULABLE_RULES) {
    const objection = rule({ ...input, policy });
    if (objection !== undefined) return objection;
  }
  const preconditions = { uid: pod.uid, resourceVersion: pod.resourceVersion };
  return { kind: 'evict', reason: 'Unschedulable', preconditions, architectures: [], signal: 'None' };
}

/** Until the status says so: as long as its writer may take. */
const RELAXING_MS = 2_000;

function isRelaxed({ nowMs, unschedulable }: Governed): EvictionDecision | undefined {
  return unschedulable?.relaxed === false ? wait('Relaxing', nowMs + RELAXING_MS) : undefined;
}

function isMisplaced(input: EvictionInput): EvictionDecision | Misplaced {
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

/** R5: a node whose label and report differ is not known for what it is, and the label decides where pods go. */
function nodeAgrees({ node }: Misplaced): EvictionDecision | undefined {
  return hasTrueArchitectureLabel(node) && hasTrueOsLabel(node) ? undefined : report('NodeContradictory');
}

/** R2. */
function isReplaced({ replacement }: Governed): EvictionDecision | undefined {
  return replacement.kind === 'replaced' ? undefined : report(replacement.reason);
}

function mayBeEvicted({ pod }: Governed): EvictionDecision | undefined {
  return pod.annotations[ANNOTATION_ALLOW_EVICTION] === ALLOW_EVICTION_NO ? report('OptedOut') : undefined;
}

/** R1, R10: a Ready pod runs, whatever its images declare; and one that has run is not evicted for a moment in which it is not Ready. */
function doesNotRun(input: Misplaced): EvictionDecision | undefined {
  const { nowMs, pod, policy } = input;
  if (policy.remediation.includeReady) return undefined;
  if (pod.ready.value) {
    const countsAtMs = pod.ready.sinceMs + READY_AFTER_MS;
    // A crash loop is not Ready again within a second, and evicted then: while it is, it would use up its budget.
    return nowMs >= countsAtMs ? report('Ready') : wait('ReadyTooShort', countsAtMs);
  }
  const evidence = evidenceOf(input);
  return hasRun(evidence) && !isRefused(evidence) && !keepsCrashing(evidence) ? report('HasRun') : undefined;
}

/** R10: whether the pod is known to run, or to have run, on the node that its images exclude. */
export function runsAllTheSame(
  input: Pick<EvictionInput, 'nowMs' | 'pod' | 'policy' | 'assessment' | 'hasBeenReady'>,
): boolean {
  const { nowMs, pod, policy, assessment } = input;
  if (policy === undefined || assessment.kind !== 'misplaced') return false;
  if (pod.ready.value && nowMs >= pod.ready.sinceMs + READY_AFTER_MS) return true;
  return hasRun(evidenceOf({ ...input, policy, assessment }));
}

function evidenceOf({
  nowMs,
  pod,
  policy,
  assessment,
  hasBeenReady,
  crashes,
}: Pick<Misplaced, 'nowMs' | 'pod' | 'policy' | 'assessment' | 'hasBeenReady' | 'crashes'>): RunEvidence {
  const evidence = { nowMs, pod, images: assessment.images, hasBeenReady, graceMs: graceMsOf(policy) };
  return crashes === undefined ? evidence : { ...evidence, crashes };
}

/** R4. */
function landsRight({ assessment, forecast }: Misplaced): EvictionDecision | undefined {
  if (assessment.architectures.length === 0) return report('NoCommonArchitecture');
  switch (forecast) {
    case 'same-node':
      return report('WouldLandWrong');
    case 'no-node':
      return report('NoNodeForReplacement');
    case 'right':
      return undefined;
  }
}

/** R3: where the webhook is not asked, the replacement would land as wrongly. */
function webhookIsAsked({ webhook }: Governed): EvictionDecision | undefined {
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

/** R10: pods of a node that is not Ready are evicted by its taints, and their status is as old as the kubelet's last word. */
function nodeIsReady({ node }: Misplaced): EvictionDecision | undefined {
  return node.ready ? undefined : wait('NodeNotReady');
}

function isOldEnough(input: Misplaced): EvictionDecision | undefined {
  const { nowMs, pod, policy } = input;
  const works = pod.containers.some(({ running, ready }) => running && ready);
  const untilMs = boundAtMs(pod) + graceMsOf(policy) * (works ? GRACE_FACTOR_WHILE_WORKING : 1);
  if (nowMs < untilMs) return wait('GracePeriod', untilMs);
  const evidence = evidenceOf(input);
  if (policy.remediation.includeReady || hasRun(evidence) || isRefused(evidence)) return undefined;
  const runsAtMs = willHaveRunAtMs(evidence);
  return runsAtMs === undefined ? undefined : wait('GracePeriod', runsAtMs);
}

/** What does not parse was refused by the API server; without a period nothing is ever old enough. */
function graceMsOf({ remediation }: RemediationPolicy): number {
  return parseDurationMs(remediation.gracePeriodAfterScheduling) ?? Number.POSITIVE_INFINITY;
}

function isEnforced({ policy }: Governed): EvictionDecision | undefined {
  if (policy.mode !== 'Enforce') return report('AuditMode');
  return policy.remediation.action === 'Evict' ? undefined : report('ReportOnly');
}

/** R3. */
function webhookAnswers({ webhook }: Governed): EvictionDecision | undefined {
  return webhook === 'reachable' ? undefined : wait('WebhookUnreachable');
}

/** R8: nothing that happens to the pod meanwhile makes the API server say something else. */
function mayTryAgain({ nowMs, lastTry }: Governed): EvictionDecision | undefined {
  if (lastTry === undefined || nowMs >= lastTry.untilMs) return undefined;
  const { reason, untilMs } = lastTry;
  return reason === 'SeveralBudgets' || reason === 'Refused' ? report(reason) : wait(reason, untilMs);
}

/** R6, R7. */
function withinLimits({ limit }: Governed): EvictionDecision | undefined {
  return limit.kind === 'free' ? undefined : wait(limit.reason, limit.untilMs);
}

function leave(reason: LeaveReason): EvictionDecision {
  return { kind: 'leave', reason };
}

function report(reason: ReportReason): EvictionDecision {
  return { kind: 'report', reason };
}

function wait(reason: WaitReason, untilMs?: number): EvictionDecision {
  return { kind: 'wait', reason, ...(untilMs !== undefined && { untilMs }) };
}

function isDecision(verdict: EvictionDecision | Misplaced): verdict is EvictionDecision {
  return 'kind' in verdict;
}
