/** A source of time. Code that waits or measures receives a clock as a parameter, so that tests control the time. */
export interface Clock {
  /** Wall-clock time, epoch milliseconds. It may jump: use it for timestamps that other processes read. */
  now(): number;
  /** Milliseconds since an arbitrary moment; never decreases. Use it for durations and deadlines. */
  monotonic(): number;
  /**
   * Resolves after `ms` milliseconds.
   * @throws the signal's reason, as soon as it is aborted
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Returns a number in [0, 1), as `Math.random` does. */
export type Random = () => number;

/**
 * Returns the machine's clock. No other code of the project starts timers. A timer keeps the process alive until it
 * elapses or its signal aborts. (`timers/promises` is not used: it creates an AbortError for each aborted timer, which
 * costs 25 µs.)
 */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = (): void => {
          clearTimeout(timer);
          reject(signal?.reason as Error);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        }, ms);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
}

/** The abort reason of every stopped timer, shared because creating an AbortError costs more than the timer. */
const STOPPED = new Error('the timer was stopped');

/** Calls `onElapsed` after `ms` milliseconds. Returns a function that stops the timer. */
export function startTimer(clock: Pick<Clock, 'sleep'>, ms: number, onElapsed: () => void): () => void {
  const timer = new AbortController();
  clock.sleep(ms, timer.signal).then(
    () => {
      if (!timer.signal.aborted) onElapsed();
    },
    () => undefined, // stopped
  );
  return () => {
    timer.abort(STOPPED);
  };
}
