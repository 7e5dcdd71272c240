import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import type { PlacementAssessment } from './assess.ts';
import type { LastAttempt } from './decision.ts';
import type { CrashHistory } from './has-run.ts';
import type { WebhookCall } from './installed-webhook.ts';
import type { EvictionLimit } from './ledger.ts';
import type { ReplacementByOwner } from './owner.ts';
import type { ReplacementForecast } from './replacement-forecast.ts';
import type { Unschedulable } from './unschedulable.ts';

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
  /** This process has observed the pod (by UID) Ready for `READY_AFTER_MS` (R10). */
  readonly hasBeenReady: boolean;
  /** What this process knows of its crashes; absent when it knows of none (R10). */
  readonly crashes?: CrashHistory;
  /** Present for a pod that carries our additions and finds no node (R9). */
  readonly unschedulable?: Unschedulable;
  /** Whether its owner replaces it (R2). */
  readonly replacement: ReplacementByOwner;
  /** Whether the webhook would be asked about the replacement, and answers (R3). */
  readonly webhook: 'reachable' | 'unreachable' | Exclude<WebhookCall, 'called'>;
  /** Where the replacement would come to stand (R4). */
  readonly forecast: ReplacementForecast;
  /** What the limits and the brake say (R6, R7). */
  readonly limit: EvictionLimit;
  /** What came of the last try, when it was not accepted (R8). */
  readonly lastAttempt?: LastAttempt;
  /** An eviction of this very pod (by UID) has been accepted already (P3). */
  readonly evictedBefore: boolean;
}

/** A pod that a policy governs. */
export type Governed = EvictionInput & { readonly policy: RemediationPolicy };

/** A misplacement, once it is known to be one. */
export type Misplaced = EvictionInput & {
  readonly policy: RemediationPolicy;
  readonly node: NodeFacts;
  readonly assessment: Extract<PlacementAssessment, { kind: 'misplaced' }>;
};
