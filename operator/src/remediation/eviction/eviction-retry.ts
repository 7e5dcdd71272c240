import type { LastAttempt } from '@archpolicy/core';
import type { EvictionResult } from '@archpolicy/kube';

/** The meaning of the Eviction API's response for the pod (R8). */
export type AttemptResult =
  /** The pod is being deleted. */
  | { readonly kind: 'accepted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'not-accepted'; readonly reason: LastAttempt['reason']; readonly delayMs: number };

/** UID or version did not match: the pod has changed, as a pod in a crash loop often does. */
const CONFLICT_DELAY_MS = 10_000;
/** Back-off for a budget that does not allow an eviction: it may allow it soon, or never. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5 * 60_000;
/** RBAC and admission policies change rarely. */
const FORBIDDEN_DELAY_MS = 60_000;
/** Long enough for the watch to show whether the eviction was accepted. */
const NO_ANSWER_DELAY_MS = 10_000;

/** Milliseconds; `server`: the server's Retry-After, else back-off; `final`: the policy's recheck interval. */
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
 * @param failures earlier attempts for this pod that were not accepted
 * @param finalDelayMs the policy's recheck interval: after it, a final rejection is tried again, since its cause may have been fixed
 */
export function interpretResult(answer: EvictionResult, failures: number, finalDelayMs: number): AttemptResult {
  if (answer.kind === 'evicted') return { kind: 'accepted' };
  if (answer.kind === 'gone') return { kind: 'gone' };
  const retryAfterMs = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
  const delays = { server: retryAfterMs ?? backOff(failures), final: finalDelayMs };
  const [reason, delay] = NOT_ACCEPTED[answer.kind];
  return { kind: 'not-accepted', reason, delayMs: typeof delay === 'number' ? delay : delays[delay] };
}

/** Doubles with each failure. */
function backOff(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS);
}
