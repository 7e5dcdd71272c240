import type { IncomingMessage } from 'node:http';
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
 * Maximum size of all bodies that are being read or queued: sixteen bodies of the maximum size, or thousands of typical
 * bodies. Without this limit, bodies could use as much memory as the maximum number of connections times the maximum
 * size of a body.
 */
const MAX_BUFFERED_BYTES = 48 * 1024 * 1024;

/** Limits the total size of all bodies in memory. */
export class BodyBudget {
  #free = MAX_BUFFERED_BYTES;

  /** Reserves bytes. Returns false, and reserves nothing, if fewer bytes are free. */
  reserve(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  release(bytes: number): void {
    this.#free += bytes;
  }
}

/** A complete body, or the reason why it was not read. */
export type BodyRead =
  | { readonly kind: 'body'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  /** Other bodies have used up the budget. */
  | { readonly kind: 'busy' }
  /** The client closed the connection. */
  | { readonly kind: 'aborted' };

/**
 * Reads a body within MAX_BODY_BYTES and the budget, and calls `done` once. Bytes are reserved as they arrive, not by
 * Content-Length, because a client can announce any length at no cost. The caller releases a body with
 * `budget.release(body.length)`. A body that exceeds either limit is not read further.
 */
export function readBody(request: IncomingMessage, budget: BodyBudget, done: (read: BodyRead) => void): void {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    done({ kind: 'too-large' });
    return;
  }
  const onBytesRead = pauseBetweenSlices(request);
  const chunks: Buffer[] = [];
  let size = 0;
  let isFinished = false;
  // The listeners are not removed, because removing them costs more than keeping them.
  const finish = (read: BodyRead): void => {
    if (isFinished) return;
    isFinished = true;
    if (read.kind !== 'body') budget.release(size);
    done(read);
  };
  const reject = (kind: 'too-large' | 'busy'): void => {
    request.pause();
    finish({ kind });
  };
  request.on('data', (chunk: Buffer) => {
    if (isFinished) return;
    if (size + chunk.length > MAX_BODY_BYTES) reject('too-large');
    else if (!budget.reserve(chunk.length)) reject('busy');
    else {
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
}

/**
 * After each slice, pauses the request until the next iteration of the event loop. Without the pauses, 2 MiB of a fast
 * client would be read at once.
 */
function pauseBetweenSlices(request: IncomingMessage): (bytes: number) => void {
  let sliceBytes = 0;
  return (bytes) => {
    sliceBytes += bytes;
    if (sliceBytes < SLICE_BYTES) return;
    sliceBytes = 0;
    request.pause();
    setImmediate(() => request.resume());
  };
}
