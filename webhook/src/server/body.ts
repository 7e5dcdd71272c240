import type { IncomingMessage } from 'node:http';
import type { Clock } from '@archpolicy/async';
import { MAX_PARSED_BYTES } from '../review/body-limits.ts';

/**
 * Maximum size of a body that is read, the same as for parsing. Buffering 7 MiB would trigger a full GC (a pause of up
 * to 15 ms).
 */
export const MAX_BODY_BYTES = MAX_PARSED_BYTES;

/**
 * Number of bytes of one body that are read before other connections are served. Typical bodies (8 KB) are read without
 * a pause.
 */
const SLICE_BYTES = 64 * 1024;

/**
 * Maximum size of all bodies that are being read or queued: sixteen of the largest, thousands of typical ones. Without
 * it, only the number of connections times the largest body would limit the memory.
 */
const MAX_BUFFERED_BYTES = 48 * 1024 * 1024;

/**
 * Maximum number of pieces of one body, a piece for each chunk or record of TLS. Go sends 3 MiB in about 300. A piece takes
 * about 100 bytes in addition to its content, so 3 MiB in pieces of one byte would take 300 MB, and seconds of CPU time.
 */
const MAX_PIECES = 4_096;

/** Interval of the check for bodies whose deadline has passed. */
const DEADLINE_CHECK_MS = 100;

/** A complete body, or the reason why it was not read. */
export type BodyRead =
  | { readonly kind: 'body'; readonly body: Buffer }
  | { readonly kind: UnreadReason }
  /** The client closed the connection. */
  | { readonly kind: 'aborted' };

/**
 * Why the rest of a body is not read: it exceeds the limits of one body, the bodies of others exceed the limit of all, or
 * it has not arrived by the deadline of its review.
 */
export type UnreadReason = 'too-large' | 'busy' | 'late';

/** A body that is being read. */
interface UnfinishedBody {
  /** Monotonic milliseconds. */
  readonly deadline: number;
  readonly drop: (reason: UnreadReason) => void;
}

/**
 * Reads bodies within MAX_BODY_BYTES and MAX_PIECES each, and MAX_BUFFERED_BYTES in total. Bytes are reserved as they arrive, not by
 * Content-Length, because a client can announce any length at no cost.
 *
 * When the total is exhausted, the body whose headers arrived first is dropped: it is the slowest of the
 * bodies that are not complete. Otherwise sixteen clients that each withhold their last byte would keep all other reviews out.
 */
export class BodyReader {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  #free = MAX_BUFFERED_BYTES;
  /** In the order in which they began. */
  readonly #unfinished = new Set<UnfinishedBody>();
  #isChecking = false;

  constructor(clock: Pick<Clock, 'monotonic' | 'sleep'>) {
    this.#clock = clock;
  }

  /** The bytes that may still be buffered. */
  get free(): number {
    return this.#free;
  }

  /**
   * Reads a body until the deadline (monotonic milliseconds), and calls `done` once. The caller releases a complete body
   * with `release(body.length)`. A body that is dropped is not read further.
   */
  read(request: IncomingMessage, deadline: number, done: (read: BodyRead) => void): void {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
      done({ kind: 'too-large' });
      return;
    }
    let chunks: Buffer[] = [];
    let size = 0;
    let isFinished = false;
    const onBytesRead = pauseBetweenSlices(request, () => isFinished);
    // The listeners are not removed, because removing them costs more than keeping them.
    const finish = (read: BodyRead): void => {
      if (isFinished) return;
      isFinished = true;
      this.#unfinished.delete(unfinished);
      if (read.kind !== 'body') this.release(size);
      // The listeners would keep the chunks in memory until the connection is closed.
      chunks = [];
      done(read);
    };
    const unfinished: UnfinishedBody = {
      deadline,
      drop: (kind) => {
        request.pause();
        finish({ kind });
      },
    };
    this.#unfinished.add(unfinished);
    request.on('data', (chunk: Buffer) => {
      if (isFinished) return;
      const isExcessive = size + chunk.length > MAX_BODY_BYTES || chunks.length >= MAX_PIECES;
      if (isExcessive) unfinished.drop('too-large');
      else if (this.#reserve(chunk.length, unfinished)) {
        size += chunk.length;
        chunks.push(chunk);
        onBytesRead(chunk.length);
      }
    });
    request.on('end', () => {
      const [first] = chunks;
      // Most bodies are one chunk, which needs no copy.
      finish({ kind: 'body', body: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size) });
    });
    request.on('close', () => {
      finish({ kind: 'aborted' });
    });
    if (!this.#isChecking) void this.#checkDeadlines();
  }

  release(bytes: number): void {
    this.#free += bytes;
  }

  /** Reserves bytes for a body, and drops earlier bodies if too few are free. Returns false if the body itself was dropped. */
  #reserve(bytes: number, body: UnfinishedBody): boolean {
    while (bytes > this.#free) {
      const [slowest = body] = this.#unfinished;
      slowest.drop('busy');
      if (slowest === body) return false;
    }
    this.#free -= bytes;
    return true;
  }

  /** Drops bodies whose deadline has passed, until all are finished. One timer for all costs less than one for each. */
  async #checkDeadlines(): Promise<void> {
    this.#isChecking = true;
    while (this.#unfinished.size > 0) {
      await this.#clock.sleep(DEADLINE_CHECK_MS);
      const now = this.#clock.monotonic();
      for (const { deadline, drop } of this.#unfinished) if (deadline <= now) drop('late');
    }
    this.#isChecking = false;
  }
}

/**
 * Pauses the request after each slice until other connections have been served. Otherwise 2 MiB of a fast client would be
 * read without a pause.
 */
function pauseBetweenSlices(request: IncomingMessage, isFinished: () => boolean): (bytes: number) => void {
  let sliceBytes = 0;
  return (bytes) => {
    sliceBytes += bytes;
    if (sliceBytes < SLICE_BYTES) return;
    sliceBytes = 0;
    request.pause();
    setImmediate(() => {
      if (!isFinished()) request.resume();
    });
  };
}
