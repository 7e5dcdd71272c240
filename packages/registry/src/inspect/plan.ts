import type { KnownFacts, Refusal, Shown } from '../cache/memory-cache.ts';
import type { FetchFailure } from '../http/outcome.ts';

/** What the caches know of one subject for one credential scope. */
export interface Known {
  readonly shown: Shown | undefined;
  /** Facts of the digest that was shown. */
  readonly facts: KnownFacts | undefined;
  readonly refusal: Refusal | undefined;
  /** Another scope was shown this tag, or this host has served the wanted digest before. */
  readonly seen: boolean;
}

/** What to do next (I2). */
export type Plan =
  | { readonly kind: 'answer'; readonly shown: Shown; readonly facts: KnownFacts }
  | { readonly kind: 'refuse'; readonly failure: FetchFailure }
  /** One HEAD with this scope's own credential. */
  | { readonly kind: 'revalidate' }
  /** One GET of what stands after `/manifests/`. */
  | { readonly kind: 'fetch'; readonly reference: string };

/** How long a tag's digest is believed without asking (K3), milliseconds. */
export const SOFT_TTL_MS = { always: 60_000, otherwise: 10 * 60_000 } as const;
/** How long a registry's word that a scope may see a digest holds (K2), and how long a tag is served stale (K3). */
export const HARD_TTL_MS = 24 * 60 * 60_000;

/** Failures after which what was shown before still stands: the registry said nothing about it. */
const SAYS_NOTHING: ReadonlySet<FetchFailure['reason']> = new Set([
  'Deadline',
  'RateLimited',
  'Unavailable',
  'BreakerOpen',
]);

/** Whether a failure leaves older knowledge standing. */
export function saysNothing(failure: FetchFailure): boolean {
  return SAYS_NOTHING.has(failure.reason);
}

/** Decides the cheapest next step. Pure: the caller acts on it and asks again. */
export function planInspection(known: Known, wanted: string, softTtlMs: number, nowMs: number): Plan {
  const { shown, facts, refusal, seen } = known;
  if (shown !== undefined && ageOf(shown, nowMs) < softTtlMs) return useShown(shown, facts);
  if (refusal !== undefined) {
    const stale = staleAnswer(known, nowMs);
    return stale !== undefined && saysNothing(refusal.failure) ? stale : { kind: 'refuse', failure: refusal.failure };
  }
  return shown !== undefined || seen ? { kind: 'revalidate' } : { kind: 'fetch', reference: wanted };
}

/** What can be served when the registry does not answer: at most a day old. */
export function staleAnswer({ shown, facts }: Known, nowMs: number): (Plan & { readonly kind: 'answer' }) | undefined {
  if (shown === undefined || facts === undefined || ageOf(shown, nowMs) >= HARD_TTL_MS) return undefined;
  return { kind: 'answer', shown, facts };
}

/** Milliseconds since the registry confirmed it; clocks of replicas differ, so never below zero. */
export function ageOf(shown: Shown, nowMs: number): number {
  return Math.max(0, nowMs - shown.confirmedAtMs);
}

function useShown(shown: Shown, facts: KnownFacts | undefined): Plan {
  return facts === undefined ? { kind: 'fetch', reference: shown.digest } : { kind: 'answer', shown, facts };
}
