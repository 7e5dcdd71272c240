import type { Refusal } from './memory-cache.ts';
import type { FetchFailure } from '../http/outcome.ts';

/** How long what a registry said against us is remembered (K3), milliseconds. */
export const REFUSAL_TTL_MS = 30_000;
/** A registry that was gone for a moment is back soon; each time in a row it is left alone for twice as long. */
const FIRST_PAUSE_MS = 1_000;
/** One that comes back after long is noticed within this. */
const MAX_PAUSE_MS = REFUSAL_TTL_MS;
/** Failures further apart than this are not in a row. */
const IN_A_ROW_MS = 2 * MAX_PAUSE_MS;

/**
 * Until when a failure is not asked about again, by its cause: at the time that was told, after a pause that grows while
 * nobody answers, else after half a minute.
 *
 * @param before what was refused last for the same asker and subject, however long ago
 */
export function refusalOf(failure: FetchFailure, before: Refusal | undefined, nowMs: number): Refusal {
  const untilMs = failure.retryAtMs ?? nowMs + pauseOf(failure, before, nowMs);
  return { failure: { ...failure, retryAtMs: untilMs }, untilMs, pauseMs: Math.max(0, untilMs - nowMs) };
}

function pauseOf({ reason }: FetchFailure, before: Refusal | undefined, nowMs: number): number {
  if (reason !== 'Unavailable') return REFUSAL_TTL_MS;
  const isInARow = before?.failure.reason === 'Unavailable' && nowMs - before.untilMs < IN_A_ROW_MS;
  return isInARow ? Math.min(before.pauseMs * 2, MAX_PAUSE_MS) : FIRST_PAUSE_MS;
}
