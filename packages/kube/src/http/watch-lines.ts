import { onAbort } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { Json } from '@archpolicy/core';
import { abortedError, KubeError, toKubeError } from '../errors.ts';
import { parseJson, yieldBetweenChunks } from './body.ts';
import type { Chunks } from './body.ts';
import { splitLines } from './lines.ts';

/** An object is at most 3 MB as the API server takes it; JSON escapes may lengthen it. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface WatchLinesOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly idleTimeoutMs: number;
  /** Ends the connection. */
  readonly stream: AbortController;
}

/**
 * The lines of a watch, parsed. Ends with the stream; throws a KubeError when it breaks, is aborted, or stays silent for
 * longer than `idleTimeoutMs`. Leaving the iteration closes the connection.
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
      if (idle) stream.abort(new KubeError('IdleTimeout', 'the watch brought nothing for too long'));
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
    stream.abort(new KubeError('Aborted', 'the watch was left'));
  }
}

async function* recordActivity(body: Chunks, clock: Clock, activity: { at: number }): Chunks {
  for await (const chunk of body) {
    activity.at = clock.monotonic();
    yield chunk;
  }
}

/** True once nothing has come for `idleTimeoutMs`; one timer per silence instead of one per chunk. */
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
