import type { NodeArchitecture } from '../platform/supported.ts';
import type { Signal } from './evidence.ts';

/** Why remediation ignores a pod. */
export const LEAVE_REASONS = [
  'NoPolicy',
  'Skipped',
  'NotBound',
  'Finished',
  'Terminating',
  'AlreadyEvicted',
  'NodeUnknown',
  'Fits',
] as const;

/** Why a misplaced or unschedulable pod is only counted and reported, not evicted. */
export const REPORT_REASONS = [
  'ImagesUnknown',
  'BrokenImage',
  'NodeContradictory',
  'StaticPod',
  'BarePod',
  'DaemonSetPod',
  'UnknownOwner',
  'JobUnknown',
  'JobWouldFail',
  'OptedOut',
  'ReadyOnWrongArchitecture',
  'DoNotDisrupt',
  'NoCommonArchitecture',
  'WouldLandWrong',
  'NoNodeForReplacement',
  'Unschedulable',
  'WebhookNotInstalled',
  'WebhookNotCalled',
  'WebhookCallUnknown',
  'AuditMode',
  'ReportOnly',
  'SeveralBudgets',
  'Refused',
] as const;

/** Why a misplaced pod is not evicted yet. */
export const WAIT_REASONS = [
  'ImagesUnknown',
  'NodeNotReady',
  'GracePeriod',
  'UnschedulableTooShort',
  'Relaxing',
  'PlatformMissing',
  'ReadyTooShort',
  'WebhookUnreachable',
  'EvictionsStopped',
  'OwnerStopped',
  'EvictionsNotRecorded',
  'OwnerLimit',
  'PolicyLimit',
  'ClusterLimit',
  'DisruptionBudget',
  'ApiBusy',
  'Conflict',
  'Forbidden',
  'NoAnswer',
] as const;

export type LeaveReason = (typeof LEAVE_REASONS)[number];
export type ReportReason = (typeof REPORT_REASONS)[number];
export type WaitReason = (typeof WAIT_REASONS)[number];

/** The result of the last attempt to evict this pod, if neither the eviction was accepted nor a disruption budget blocked it (R8). */
export interface LastAttempt {
  readonly reason: Extract<WaitReason | ReportReason, 'ApiBusy' | 'Conflict' | 'Forbidden' | 'NoAnswer' | 'Refused'>;
  /** The earliest time of the next attempt, epoch milliseconds. */
  readonly untilMs: number;
}

/** The preconditions that the API server checks when it evicts the pod (R8). */
export interface EvictionPreconditions {
  readonly uid: string;
  /**
   * Absent for a pod that is Ready at this moment. The API server decrements the disruption budget of a Ready pod before it checks
   * preconditions, so an eviction with a stale version would fail and still consume the budget.
   */
  readonly resourceVersion?: string;
}

/** What remediation does with one pod. The reason is the metric label, the event reason and the log field. */
export type EvictionDecision =
  | { readonly kind: 'leave'; readonly reason: LeaveReason }
  | { readonly kind: 'report'; readonly reason: ReportReason }
  | {
      readonly kind: 'wait';
      readonly reason: WaitReason;
      /** The time of the next evaluation, epoch milliseconds. Absent if not known: the caller waits for a change, or backs off. */
      readonly untilMs?: number;
    }
  | {
      readonly kind: 'evict';
      /** `Unschedulable`: the pod is not bound, but would be bound without the policy's preference (R9). */
      readonly reason: 'Misplaced' | 'Unschedulable';
      readonly preconditions: EvictionPreconditions;
      readonly architectures: readonly NodeArchitecture[];
      readonly signal: Signal;
    };

/** Returns the decision to ignore the pod. */
export function leave(reason: LeaveReason): EvictionDecision {
  return { kind: 'leave', reason };
}

/** Returns the decision not to evict a misplaced or unschedulable pod, but to inform its owner by an event. */
export function report(reason: ReportReason): EvictionDecision {
  return { kind: 'report', reason };
}

/** Returns the decision to delay the eviction. The pod is evaluated again at `untilMs`, if given. */
export function wait(reason: WaitReason, untilMs?: number): EvictionDecision {
  return { kind: 'wait', reason, ...(untilMs !== undefined && { untilMs }) };
}
