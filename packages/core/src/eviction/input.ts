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

/** The input of the eviction decision about one pod. The caller gathers it first, so that the decision does no I/O. */
export interface EvictionInput {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly pod: PodFacts;
  /** The governing policy; absent if the pod has none. */
  readonly policy?: RemediationPolicy;
  /** Whether the pod or its namespace carries the skip label. */
  readonly skipped: boolean;
  /** Whether the pod's namespace is being deleted. */
  readonly namespaceDeleting: boolean;
  /** The node to which the pod is bound; absent if the pod is not bound, or its node is not in the store. */
  readonly node?: NodeFacts;
  /** Whether the node can run the pod's images. */
  readonly assessment: PlacementAssessment;
  /** Whether this process has observed that the pod (by UID) was Ready for `READY_AFTER_MS` (R10). */
  readonly hasBeenReady: boolean;
  /** The crashes that this process has observed; absent if there are none (R10). */
  readonly crashes?: CrashHistory;
  /** Present for an unschedulable pod that carries additions of ArchPolicy (R9). */
  readonly unschedulable?: Unschedulable;
  /** Whether the pod's owner replaces an evicted pod (R2). */
  readonly replacement: ReplacementByOwner;
  /** Whether the webhook would be called for the replacement, and is reachable (R3). */
  readonly webhook: 'reachable' | 'unreachable' | Exclude<WebhookCall, 'called'>;
  /** Where the replacement would be placed (R4). */
  readonly forecast: ReplacementForecast;
  /** Whether the limits and the brake allow an eviction (R6, R7). */
  readonly limit: EvictionLimit;
  /** The last eviction attempt, if it was not accepted (R8). */
  readonly lastAttempt?: LastAttempt;
  /** Whether the API server has already accepted an eviction of this pod (by UID) (P3). */
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
