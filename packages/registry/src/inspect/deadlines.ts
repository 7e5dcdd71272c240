import type { BatchedTimeout } from '@archpolicy/async';

/**
 * How long the work of an inspection may take, even if no caller waits for it. A registry that works takes less time.
 */
export const WORK_DEADLINE_MS = 15_000;
/**
 * Maximum time for a request to a mirror. Longer than the silence that the circuit breaker counts as a failure (3 s), so
 * that a silent mirror is soon left out.
 */
const MAX_MIRROR_MS = 4_000;

/**
 * Returns how long a mirror may take, so that the time is enough for all endpoints of an image: mirrors, then the
 * registry itself.
 */
export function mirrorDeadlineMs(endpoints: number): number {
  return Math.min(MAX_MIRROR_MS, WORK_DEADLINE_MS / endpoints);
}

/**
 * Returns a signal that aborts at `atMs` (monotonic milliseconds), and also when the timeouts are closed. It never aborts
 * earlier, as `BatchedTimeout.signal` does: the circuit breaker would then not count a silent mirror.
 */
export function abortAt(timeouts: BatchedTimeout, atMs: number): AbortSignal {
  const controller = new AbortController();
  const never = new Promise<never>(() => undefined);
  void timeouts.wait(never, atMs).then(() => {
    controller.abort();
  });
  return controller.signal;
}
