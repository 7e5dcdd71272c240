import type { CachedFacts, CachedTag, NegativeEntry } from '../cache/memory-cache.ts';
import { HARD_TTL_MS, trustedConfirmationMs } from '../cache/tag-times.ts';
import type { FetchFailure } from '../http/outcome.ts';

/** The cached state of one image for one credential scope. */
export interface CacheEntry {
  readonly tag: CachedTag | undefined;
  /** Facts of the tag's digest. */
  readonly facts: CachedFacts | undefined;
  readonly failure: NegativeEntry | undefined;
  /**
   * Whether another scope has received a result for the same image. The facts may then be cached already, so a HEAD may
   * be enough.
   */
  readonly isCachedForOtherScope: boolean;
}

/** The next step of an inspection (I2). */
export type Step =
  | { readonly kind: 'answer'; readonly tag: CachedTag; readonly facts: CachedFacts }
  | { readonly kind: 'fail'; readonly failure: FetchFailure }
  /** One HEAD with this scope's own credential. */
  | { readonly kind: 'revalidate' }
  /** One GET of `/manifests/<reference>`. */
  | { readonly kind: 'fetch'; readonly reference: string };

export type Answer = Extract<Step, { readonly kind: 'answer' }>;

/** Failures in which the registry gave no answer about the image. */
const NO_ANSWER: ReadonlySet<FetchFailure['reason']> = new Set([
  'Deadline',
  'RateLimited',
  'Unavailable',
  'BreakerOpen',
]);

/** Whether a stale entry may be served after this failure (`stale-if-error`, https://www.rfc-editor.org/rfc/rfc5861#section-4). */
export function allowsStaleOnError(failure: FetchFailure): boolean {
  return failure.isRequestRejected === true || NO_ANSWER.has(failure.reason);
}

/**
 * Decides the cheapest next step: an answer if the entry is fresh, a failure if one is cached, or else a request
 * (https://www.rfc-editor.org/rfc/rfc9111#section-4.2). The function is pure: the caller performs the step, and then
 * calls the function again.
 */
export function nextStep(entry: CacheEntry, reference: string, softTtlMs: number, nowMs: number): Step {
  const { tag, facts, failure, isCachedForOtherScope } = entry;
  if (tag !== undefined && isFresh(tag, softTtlMs, nowMs)) {
    return facts === undefined ? { kind: 'fetch', reference: tag.digest } : { kind: 'answer', tag, facts };
  }
  if (failure !== undefined) {
    const stale = allowsStaleOnError(failure.failure) ? staleIfError(entry, nowMs) : undefined;
    return stale ?? { kind: 'fail', failure: failure.failure };
  }
  return tag !== undefined || isCachedForOtherScope ? { kind: 'revalidate' } : { kind: 'fetch', reference: reference };
}

/** Returns the entry as an answer if it has facts and is less than a day old, for use when the registry does not answer. */
export function staleIfError({ tag, facts }: CacheEntry, nowMs: number): Answer | undefined {
  if (tag === undefined || facts === undefined || !isFresh(tag, HARD_TTL_MS, nowMs)) return undefined;
  return { kind: 'answer', tag, facts };
}

export function isFresh(tag: CachedTag, ttlMs: number, nowMs: number): boolean {
  return currentAge(tag, nowMs) < ttlMs;
}

/** Returns the milliseconds since the registry confirmed the tag. A time in the future counts as just stale. */
export function currentAge({ confirmedAtMs }: CachedTag, nowMs: number): number {
  return nowMs - trustedConfirmationMs(confirmedAtMs, nowMs);
}
