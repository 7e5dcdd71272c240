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

/** The part of a policy that remediation reads. */
export type RemediationPolicy = Pick<ArchPolicySpec, 'mode' | 'remediation'>;

/** All input of a decision about one pod. It is gathered first, so that the decision is synchronous. */
export interface EvictionInput {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: PodFacts;
  /** The governing policy; absent if the pod has none. */
  readonly policy?: RemediationPolicy;
  /** The pod or its namespace carries the skip label. */
  readonly skipped: boolean;
  /** The node to which the pod is bound; absent if it is not bound, or the node is not known. */
  readonly node?: NodeFacts;
  /** Whether the node can run the pod's images. */
  readonly assessment: PlacementAssessment;
  /** This process has observed the pod (by UID) Ready for `READY_AFTER_MS` (R10). */
  readonly hasBeenReady: boolean;
  /** The crashes that this process has observed; absent if there are none (R10). */
  readonly crashes?: CrashHistory;
  /** Present for an unschedulable pod that carries additions of ArchPolicy (R9). */
  readonly unschedulable?: Unschedulable;
  /** Whether its owner replaces it (R2). */
  readonly replacement: ReplacementByOwner;
  /** Whether the webhook would be called for the replacement, and is reachable (R3). */
  readonly webhook: 'reachable' | 'unreachable' | Exclude<WebhookCall, 'called'>;
  /** Where the replacement would be placed (R4). */
  readonly forecast: ReplacementForecast;
  /** Whether the limits and the brake allow an eviction (R6, R7). */
  readonly limit: EvictionLimit;
  /** The last eviction attempt, if it was not accepted (R8). */
  readonly lastAttempt?: LastAttempt;
  /** An eviction of this pod (by UID) has already been accepted (P3). */
  readonly evictedBefore: boolean;
}

/** The input for a pod with a governing policy. */
export type Governed = EvictionInput & { readonly policy: RemediationPolicy };

/** The input for a misplaced pod. */
export type Misplaced = EvictionInput & {
  readonly policy: RemediationPolicy;
  readonly node: NodeFacts;
  readonly assessment: Extract<PlacementAssessment, { kind: 'misplaced' }>;
};
