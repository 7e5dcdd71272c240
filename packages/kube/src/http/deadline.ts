import type { Clock } from '../clock.ts';
import { abortedError, KubeError, toKubeError } from '../errors.ts';

/**
 * Runs `run` with a signal that ends it when the caller's signal does or when `timeoutMs` have passed on the clock.
 * Throws a KubeError: `aborted`, `timeout`, or what `run` threw.
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw abortedError(signal);
  const call = new AbortController();
  const timer = new AbortController();
  const onAbort = (): void => {
    call.abort(abortedError(signal));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  clock.sleep(timeoutMs, timer.signal).then(
    () => {
      call.abort(new KubeError('timeout', 'the API server did not answer in time'));
    },
    () => undefined, // the timer was cancelled: the call ended first
  );
  try {
    return await run(call.signal);
  } catch (error) {
    throw toKubeError(call.signal.aborted ? call.signal.reason : error);
  } finally {
    timer.abort();
    signal.removeEventListener('abort', onAbort);
  }
}
