import { setTimeout as delay } from 'node:timers/promises';

/** Time, as a collaborator: whatever waits or measures takes one, so that tests can turn it by hand. */
export interface Clock {
  /** Wall-clock time, epoch milliseconds. It may jump: compare it with other processes' times only. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. For durations and deadlines. */
  monotonic(): number;
  /**
   * Waits `ms` milliseconds.
   * @throws the signal's reason, as soon as it is aborted
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. Its timers do keep the process alive: a wait is work that somebody asked for. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      try {
        await delay(ms, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        // node:timers wraps the reason in an AbortError of its own; callers compare with the signal's.
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
}
