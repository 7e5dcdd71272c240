import type { LastAttempt } from '@archpolicy/core';
import type { EvictionResult } from '@archpolicy/kube';

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
/**
 * First delay of the back-off after a disruption budget did not allow the eviction. It is short, because the budget may
 * allow the eviction soon.
 */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5 * 60_000;
/** Delay after a rejection by RBAC or an admission policy. It is long, because both change rarely. */
const FORBIDDEN_DELAY_MS = 60_000;
/** Delay after an attempt without a response. After this delay, the watch shows whether the eviction was accepted. */
const NO_ANSWER_DELAY_MS = 10_000;

/**
 * A delay in milliseconds. `server` means the server's Retry-After, or, if the server sent none, a back-off. `final`
 * means the policy's recheck interval.
 */
type Delay = number | 'server' | 'final';

const NOT_ACCEPTED: Readonly<
  Record<Exclude<EvictionResult['kind'], 'evicted' | 'gone'>, readonly [LastAttempt['reason'], Delay]>
> = {
  conflict: ['Conflict', CONFLICT_DELAY_MS],
  budget: ['DisruptionBudget', 'server'],
  throttled: ['ApiBusy', 'server'],
  failed: ['ApiBusy', 'server'],
  forbidden: ['Forbidden', FORBIDDEN_DELAY_MS],
  'no-answer': ['NoAnswer', NO_ANSWER_DELAY_MS],
  'several-budgets': ['SeveralBudgets', 'final'],
  invalid: ['Refused', 'final'],
};

/**
 * @param failures number of earlier attempts for this pod that were not accepted
 * @param finalDelayMs the policy's recheck interval. After this interval, the eviction is attempted again even after a
 * final rejection, because the cause of the rejection may have been fixed
 */
export function interpretResult(answer: EvictionResult, failures: number, finalDelayMs: number): AttemptResult {
  if (answer.kind === 'evicted') return { kind: 'accepted' };
  if (answer.kind === 'gone') return { kind: 'gone' };
  const retryAfterMs = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
  const delays = { server: retryAfterMs ?? backOff(failures), final: finalDelayMs };
  const [reason, delay] = NOT_ACCEPTED[answer.kind];
  return { kind: 'not-accepted', reason, delayMs: typeof delay === 'number' ? delay : delays[delay] };
}

/** Returns the delay of the back-off, which doubles with each failure. */
function backOff(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS);
}
