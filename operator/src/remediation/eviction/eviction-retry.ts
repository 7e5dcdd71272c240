import type { LastAttempt } from '@archpolicy/core';
import type { EvictionResult } from '@archpolicy/kube';

/** A response about the eviction of one pod. Disruption budgets concern several pods, so `BlockedBudgets` handles them. */
export type ResultForOnePod = Exclude<EvictionResult, { readonly kind: 'budget' | 'several-budgets' }>;

/** The meaning of an Eviction API response for the pod (R8). */
export type AttemptResult =
  /** The pod is being deleted. */
  | { readonly kind: 'accepted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'not-accepted'; readonly reason: LastAttempt['reason']; readonly delayMs: number };

/**
 * Delay after a conflict: the UID or the version did not match, because the pod has changed. The delay is needed
 * because a pod in a crash loop changes often.
 */
const CONFLICT_DELAY_MS = 10_000;
/** First delay of the back-off while the API server is busy or fails. */
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 5 * 60_000;
/** Delay after a rejection by RBAC or an admission policy. It is long, because both change rarely. */
const FORBIDDEN_DELAY_MS = 60_000;
/** Delay after an attempt without a response. After this delay, the watch shows whether the eviction was accepted. */
const NO_ANSWER_DELAY_MS = 10_000;

/**
 * A delay in milliseconds. `server` means a back-off, or the server's Retry-After if that is longer. `final` means the
 * policy's recheck interval.
 */
type Delay = number | 'server' | 'final';

const NOT_ACCEPTED: Readonly<
  Record<Exclude<ResultForOnePod['kind'], 'evicted' | 'gone'>, readonly [LastAttempt['reason'], Delay]>
> = {
  conflict: ['Conflict', CONFLICT_DELAY_MS],
  throttled: ['ApiBusy', 'server'],
  failed: ['ApiBusy', 'server'],
  forbidden: ['Forbidden', FORBIDDEN_DELAY_MS],
  'no-answer': ['NoAnswer', NO_ANSWER_DELAY_MS],
  invalid: ['Refused', 'final'],
};

/**
 * @param failures number of earlier attempts for this pod that were not accepted
 * @param finalDelayMs the policy's recheck interval. After this interval, the eviction is attempted again even after a
 * final rejection, because the cause of the rejection may have been fixed
 */
export function interpretResult(answer: ResultForOnePod, failures: number, finalDelayMs: number): AttemptResult {
  if (answer.kind === 'evicted') return { kind: 'accepted' };
  if (answer.kind === 'gone') return { kind: 'gone' };
  const retryAfterMs = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
  const delays = { server: Math.max(backOff(failures), retryAfterMs ?? 0), final: finalDelayMs };
  const [reason, delay] = NOT_ACCEPTED[answer.kind];
  return { kind: 'not-accepted', reason, delayMs: typeof delay === 'number' ? delay : delays[delay] };
}

/** Returns the delay of the back-off, which doubles with each failure. */
function backOff(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS);
}
