import type { NegativeEntry } from './memory-cache.ts';
import type { FetchFailure } from '../http/outcome.ts';

/** How long a rejection by a registry is cached (K3), milliseconds. */
export const NEGATIVE_TTL_MS = 30_000;
/** The back-off after a registry did not answer for the first time. It doubles with each further failure in a row. */
const FIRST_PAUSE_MS = 1_000;
/** The longest back-off: a registry that recovers is detected within this time. */
const MAX_PAUSE_MS = NEGATIVE_TTL_MS;
/**
 * Two failures count as in a row if the second failure occurs within this time after the entry of the first has
 * expired.
 */
const IN_A_ROW_MS = 2 * MAX_PAUSE_MS;

/**
 * Builds the cache entry of a failure. If the registry sent a time to retry, the entry expires then. If the registry
 * did not answer, the entry expires after a back-off, which grows with each failure in a row. All other entries expire
 * after 30 s.
 *
 * @param before the last failure of the same cache scope and image, even if its entry has expired
 */
export function buildNegativeEntry(
  failure: FetchFailure,
  before: NegativeEntry | undefined,
  nowMs: number,
): NegativeEntry {
  const untilMs = failure.retryAtMs ?? nowMs + pauseAfter(failure, before, nowMs);
  return { failure: { ...failure, retryAtMs: untilMs }, untilMs, pauseMs: Math.max(0, untilMs - nowMs) };
}

function pauseAfter({ reason }: FetchFailure, before: NegativeEntry | undefined, nowMs: number): number {
  if (reason !== 'Unavailable') return NEGATIVE_TTL_MS;
  const isInARow = before?.failure.reason === 'Unavailable' && nowMs - before.untilMs < IN_A_ROW_MS;
  return isInARow ? Math.min(before.pauseMs * 2, MAX_PAUSE_MS) : FIRST_PAUSE_MS;
}
