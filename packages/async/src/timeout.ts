import { onAbort } from './abort.ts';
import type { Waited } from './abort.ts';
import { startTimer } from './clock.ts';
import type { Clock } from './clock.ts';
import { yieldToEventLoop } from './event-loop.ts';

/** The abort reason of a signal that timed out. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';

  constructor(ms: number) {
    super(`timed out after ${ms} ms`);
  }
}

export interface TimeoutOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly ms: number;
  /** Ends the wait or the work early. */
  readonly signal?: AbortSignal | undefined;
}

export interface WithTimeoutOptions extends TimeoutOptions {
  /** Creates the abort reason for a timeout; a TimeoutError by default. */
  readonly timeoutError?: () => Error;
}

/**
 * Runs `run` with a signal that aborts after `ms` milliseconds, or when the caller's signal aborts. Waits until `run`
 * has ended, so that no work outlives the call.
 * @returns the result of `run`, even after an abort
 * @throws the abort reason (of the caller or of the timeout) if `run` rejects after an abort, else the error of `run`
 */
export async function withTimeout<T>(
  options: WithTimeoutOptions,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, ms, signal, timeoutError = () => new TimeoutError(ms) } = options;
  const call = new AbortController();
  const stopListening =
    signal &&
    onAbort(signal, () => {
      call.abort(signal.reason);
    });
  const stopTimer = startTimer(clock, ms, () => {
    call.abort(timeoutError());
  });
  try {
    return await run(call.signal);
  } catch (error) {
    throw call.signal.aborted ? call.signal.reason : error;
  } finally {
    stopTimer();
    stopListening?.();
  }
}

/**
 * Runs `run` with a signal that aborts `ms` milliseconds after the caller's signal, so that work which has begun can end.
 */
export async function withGracePeriod<T>(
  { clock, ms, signal }: TimeoutOptions & { readonly signal: AbortSignal },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const call = new AbortController();
  let stopTimer = (): void => undefined;
  const stopListening = onAbort(signal, () => {
    stopTimer = startTimer(clock, ms, () => {
      call.abort(signal.reason);
    });
  });
  try {
    return await run(call.signal);
  } finally {
    stopListening();
    stopTimer();
  }
}

/**
 * Waits for shared work at most `ms` milliseconds, or until the signal aborts. The work continues after that. If the
 * work has ended already, its result is returned. Before the wait counts as timed out, pending I/O is handled: after a
 * stall of the process (a long garbage collection) both the timer and the result may be pending, and Node runs timers
 * first.
 * @throws what the work throws in time
 */
export function waitAtMost<T>(work: Promise<T>, { clock, ms, signal }: TimeoutOptions): Promise<Waited<T>> {
  return new Promise((resolve, reject) => {
    const stopTimer = startTimer(clock, ms, () => {
      void yieldToEventLoop().then(() => {
        stopListening?.();
        resolve({ kind: 'timed-out' });
      });
    });
    const stop = (): void => {
      stopTimer();
      stopListening?.();
    };
    const done = (value: T): void => {
      stop();
      resolve({ kind: 'done', value });
    };
    const fail = (error: Error): void => {
      stop();
      reject(error);
    };
    work.then(done, fail);
    const stopListening =
      signal &&
      onAbort(signal, () => {
        stopTimer();
        queueMicrotask(() => {
          resolve({ kind: 'aborted' });
        });
      });
  });
}
