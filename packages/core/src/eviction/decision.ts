import type { NodeArchitecture } from '../platform/supported.ts';
import type { Signal } from './evidence.ts';

/** Why a pod is no business of remediation, now or ever. */
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

/** Why a pod stays where it is although something is wrong: it is counted and told, and nothing else happens. */
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
  'OwnerLimit',
  'PolicyLimit',
  'DisruptionBudget',
  'ApiBusy',
  'Conflict',
  'Forbidden',
  'NoAnswer',
] as const;

export type LeaveReason = (typeof LEAVE_REASONS)[number];
export type ReportReason = (typeof REPORT_REASONS)[number];
export type WaitReason = (typeof WAIT_REASONS)[number];

/** What came of the last try to evict this very pod, when it was not accepted (R8). */
export interface LastAttempt {
  readonly reason: Extract<
    WaitReason | ReportReason,
    'DisruptionBudget' | 'ApiBusy' | 'Conflict' | 'Forbidden' | 'NoAnswer' | 'SeveralBudgets' | 'Refused'
  >;
  /** Epoch milliseconds before which another try is useless or rude. */
  readonly untilMs: number;
}

/** What must still be true of the pod when the API server evicts it (R8). */
export interface EvictionPreconditions {
  readonly uid: string;
  /**
   * Absent for a pod that is Ready at this moment: the API server takes from a Ready pod's disruption budget before it
   * checks preconditions, so that a stale version would use the budget up without evicting.
   */
  readonly resourceVersion?: string;
}

/** What remediation does about one pod. The reason is the metric label, the event reason and the log field. */
export type EvictionDecision =
  | { readonly kind: 'leave'; readonly reason: LeaveReason }
  | { readonly kind: 'report'; readonly reason: ReportReason }
  | {
      readonly kind: 'wait';
      readonly reason: WaitReason;
      /** Epoch milliseconds at which deciding again pays. Absent: not known, so the caller waits for a change, or backs off. */
      readonly untilMs?: number;
    }
  | {
      readonly kind: 'evict';
      /** `Unschedulable`: it is bound to no node, and without our preference it would be (R9). */
      readonly reason: 'Misplaced' | 'Unschedulable';
      readonly preconditions: EvictionPreconditions;
      readonly architectures: readonly NodeArchitecture[];
      readonly signal: Signal;
    };

/** The pod is none of remediation's business. */
export function leave(reason: LeaveReason): EvictionDecision {
  return { kind: 'leave', reason };
}

/** The pod is misplaced and stays; its owner is informed. */
export function report(reason: ReportReason): EvictionDecision {
  return { kind: 'report', reason };
}

/** The pod is evaluated again, at `untilMs` where that is known. */
export function wait(reason: WaitReason, untilMs?: number): EvictionDecision {
  return { kind: 'wait', reason, ...(untilMs !== undefined && { untilMs }) };
}
