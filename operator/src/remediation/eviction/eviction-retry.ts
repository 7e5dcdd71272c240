import type { LastTry } from '@archpolicy/core';
import type { EvictionAnswer } from '@archpolicy/kube';

/** What an answer of the Eviction API means for the pod (R8). */
export type Aftermath =
  /** The pod is being deleted. */
  | { readonly kind: 'accepted' }
  /** There is no such pod any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'not-accepted'; readonly reason: LastTry['reason']; readonly delayMs: number };

/** A version or UID that did not match: the pod has changed, and a crash loop changes again at once. */
const CONFLICT_DELAY_MS = 10_000;
/** A budget that does not allow an eviction may do so a moment later, or never. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5 * 60_000;
/** RBAC and admission policies change by hand. */
const FORBIDDEN_DELAY_MS = 60_000;
/** Long enough for the watch to tell whether it was accepted. */
const NO_ANSWER_DELAY_MS = 10_000;

/** Milliseconds; `told`: as the server said, else backing off; `final`: nothing but people's work changes it. */
type Delay = number | 'told' | 'final';

const NOT_ACCEPTED: Readonly<
  Record<Exclude<EvictionAnswer['kind'], 'evicted' | 'gone'>, readonly [LastTry['reason'], Delay]>
> = {
  conflict: ['Conflict', CONFLICT_DELAY_MS],
  budget: ['DisruptionBudget', 'told'],
  throttled: ['ApiBusy', 'told'],
  failed: ['ApiBusy', 'told'],
  forbidden: ['Forbidden', FORBIDDEN_DELAY_MS],
  'no-answer': ['NoAnswer', NO_ANSWER_DELAY_MS],
  'several-budgets': ['SeveralBudgets', 'final'],
  invalid: ['Refused', 'final'],
};

/**
 * @param failures tries of this pod that were not accepted before this one
 * @param finalDelayMs when what is final is looked at again, because people may have changed it: the policy's recheck
 */
export function aftermathOf(answer: EvictionAnswer, failures: number, finalDelayMs: number): Aftermath {
  if (answer.kind === 'evicted') return { kind: 'accepted' };
  if (answer.kind === 'gone') return { kind: 'gone' };
  const told = 'retryAfterMs' in answer ? answer.retryAfterMs : undefined;
  const delays = { told: told ?? backOff(failures), final: finalDelayMs };
  const [reason, delay] = NOT_ACCEPTED[answer.kind];
  return { kind: 'not-accepted', reason, delayMs: typeof delay === 'number' ? delay : delays[delay] };
}

/** Doubled at each failure. */
function backOff(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS);
}
