/** Minimum interval between two writes. Evictions wait until then, and one write contains all of them. */
export const WRITE_INTERVAL_MS = 1_000;
/** Maximum delay between two attempts after failures. */
const MAX_RETRY_MS = 5_000;
/** After this time without a successful write, no eviction is allowed. */
export const UNRECORDED_AFTER_MS = 30_000;

/** When writes were attempted, and since when they fail. Times are monotonic milliseconds. */
export interface WriteHistory {
  readonly attemptedAtMs: number;
  /** Number of failures since the last success. */
  readonly failures: number;
  /** The time of the first of these failed attempts. */
  readonly failingSinceMs?: number;
}

export const NO_WRITES: WriteHistory = { attemptedAtMs: -Infinity, failures: 0 };

/** Returns the earliest time of the next attempt. */
export function nextAttemptAtMs({ attemptedAtMs, failures }: WriteHistory): number {
  return attemptedAtMs + Math.min(MAX_RETRY_MS, WRITE_INTERVAL_MS * 2 ** Math.max(0, failures - 1));
}

export function afterWrite(attemptedAtMs: number): WriteHistory {
  return { attemptedAtMs, failures: 0 };
}

export function afterFailure(history: WriteHistory, attemptedAtMs: number): WriteHistory {
  const failingSinceMs = history.failingSinceMs ?? attemptedAtMs;
  return { attemptedAtMs, failures: history.failures + 1, failingSinceMs };
}

/** Returns whether writes have failed for so long that no eviction is allowed. */
export function isUnrecorded({ failingSinceMs }: WriteHistory, nowMs: number): boolean {
  return failingSinceMs !== undefined && nowMs >= failingSinceMs + UNRECORDED_AFTER_MS;
}

/**
 * Returns how long to wait before the next step: the attempt of a write, or the end of the time in which failures are
 * tolerated.
 */
export function delayMs(history: WriteHistory, nowMs: number): number {
  const unrecordedAtMs = (history.failingSinceMs ?? Infinity) + UNRECORDED_AFTER_MS;
  const next = nextAttemptAtMs(history);
  return Math.max(0, (unrecordedAtMs > nowMs ? Math.min(next, unrecordedAtMs) : next) - nowMs);
}
