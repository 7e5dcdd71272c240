import { onAbort } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { Json } from '@archpolicy/core';
import { abortedError, KubeError, toKubeError } from '../errors.ts';
import { parseJson, yieldBetweenChunks } from './body.ts';
import type { Chunks } from './body.ts';
import { splitLines } from './lines.ts';

/** Limit of one line. The API server accepts objects of up to 3 MB, and JSON escapes may lengthen them. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface WatchLinesOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly idleTimeoutMs: number;
  /** The controller that closes the connection when it is aborted. */
  readonly stream: AbortController;
}

/**
 * Yields the parsed lines of a watch until the stream ends. Leaving the iteration closes the connection.
 *
 * @throws KubeError if the stream breaks, is aborted, or receives nothing for `idleTimeoutMs`
 */
export async function* watchLines(body: Chunks, options: WatchLinesOptions): AsyncGenerator<Json> {
  const { clock, signal, idleTimeoutMs, stream } = options;
  const stopListening = onAbort(signal, () => {
    stream.abort(abortedError(signal));
  });
  const activity = { at: clock.monotonic() };
  const watchdog = new AbortController();
  waitUntilIdle(clock, idleTimeoutMs, activity, watchdog.signal).then(
    (idle) => {
      if (idle) stream.abort(new KubeError('IdleTimeout', 'the watch received nothing within its idle timeout'));
    },
    () => undefined,
  );
  try {
    for await (const line of splitLines(recordActivity(yieldBetweenChunks(body), clock, activity), MAX_LINE_BYTES))
      yield parseJson(line);
  } catch (error) {
    throw toKubeError(stream.signal.aborted ? stream.signal.reason : error);
  } finally {
    watchdog.abort();
    stopListening();
    stream.abort(new KubeError('Aborted', 'the watch is closed'));
  }
}

async function* recordActivity(body: Chunks, clock: Clock, activity: { at: number }): Chunks {
  for await (const chunk of body) {
    activity.at = clock.monotonic();
    yield chunk;
  }
}

/** Returns true once nothing has arrived for `idleTimeoutMs`. Starts one timer per idle period, not one per chunk. */
async function waitUntilIdle(
  clock: Clock,
  idleTimeoutMs: number,
  activity: { readonly at: number },
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const left = activity.at + idleTimeoutMs - clock.monotonic();
    if (left <= 0) return true;
    await clock.sleep(left, signal);
  }
}
