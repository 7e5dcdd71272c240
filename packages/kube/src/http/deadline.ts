import { withTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { abortedError, KubeError, toKubeError } from '../errors.ts';

/**
 * Runs one call with a signal. The signal is aborted when the caller's signal is aborted, or after `timeoutMs`.
 *
 * @throws KubeError `Aborted`, `Timeout`, or the error of `run`
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw abortedError(signal);
  try {
    return await withTimeout({ clock, ms: timeoutMs, signal, timeoutError: callTimedOut }, run);
  } catch (error) {
    throw error === signal.reason ? abortedError(signal) : toKubeError(error);
  }
}

function callTimedOut(): KubeError {
  return new KubeError('Timeout', 'the API server did not answer in time');
}
