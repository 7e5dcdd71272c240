import type { LastAttempt } from '@archpolicy/core';
import type { EvictionResult } from '@archpolicy/kube';

/** What an answer of the Eviction API means for the pod (R8). */
export type AttemptResult =
  /** The pod is being deleted. */
  | { readonly kind: 'accepted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'not-accepted'; readonly reason: LastAttempt['reason']; readonly delayMs: number };

/** A version or UID that did not match: the pod has changed, and a pod in a crash loop changes often. */
const CONFLICT_DELAY_MS = 10_000;
/** A budget that does not allow an eviction may allow it a moment later, or never. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5 * 60_000;
/** RBAC and admission policies are changed by hand. */
const FORBIDDEN_DELAY_MS = 60_000;
/** Long enough for the watch to show whether it was accepted. */
const NO_ANSWER_DELAY_MS = 10_000;

/** Milliseconds; `server`: as the server said, else back-off; `final`: it changes by hand only. */
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
 * @param failures attempts for this pod that were not accepted before this one
 * @param finalDelayMs when a final rejection is tried again, since it may have been fixed: the policy's recheck interval
 */
export function interpretResult(answer: EvictionResult, failures: number, finalDelayMs: number): AttemptResult {
  if (answer.kind === 'evicted') return { kind: 'accepted' };
  if (answer.kind === 'gone') return { kind: 'gone' };
  const retryAfterMs = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
  const delays = { server: retryAfterMs ?? backOff(failures), final: finalDelayMs };
  const [reason, delay] = NOT_ACCEPTED[answer.kind];
  return { kind: 'not-accepted', reason, delayMs: typeof delay === 'number' ? delay : delays[delay] };
}

/** Doubled at each failure. */
function backOff(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS);
}
