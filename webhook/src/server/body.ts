import type { IncomingMessage } from 'node:http';
import { MAX_PARSED_BYTES } from '../review/body-limits.ts';

/** What would not be parsed is not read: the memory that 7 MiB take has all garbage collected, which stops everybody for up to 15 ms. */
export const MAX_BODY_BYTES = MAX_PARSED_BYTES;

/** What is read of one body before other connections are looked at: usual ones (8 KB) are never interrupted. */
const SLICE_BYTES = 64 * 1024;

/**
 * All bodies that are being read or wait, together: sixteen of the largest, thousands of usual ones. Without it,
 * the number of connections times the largest body would be the bound.
 */
const MAX_BUFFERED_BYTES = 48 * 1024 * 1024;

/** Counts the bytes of all bodies in memory. */
export class BodyBudget {
  #free = MAX_BUFFERED_BYTES;

  /** Takes bytes; false when there are not as many. */
  reserve(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  release(bytes: number): void {
    this.#free += bytes;
  }
}

/** A whole body, or why it was not read to its end. */
export type BodyRead =
  | { readonly kind: 'body'; readonly body: Buffer }
  | { readonly kind: 'too-large' }
  /** Too many other bodies are in memory. */
  | { readonly kind: 'busy' }
  /** The client went away. */
  | { readonly kind: 'aborted' };

/**
 * Reads a body within bounds and calls back once. Its bytes are taken from the budget as they arrive (a promised
 * length costs a client nothing) and given back by the caller, with `budget.give(body.length)`, when it is done with.
 * Of what is too large, or too much at the moment, no more is read.
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
  // Taking listeners off would cost more than they do.
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
    // One chunk is the usual case: no copy then.
    finish({ kind: 'body', body: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size) });
  });
  request.on('close', () => {
    finish({ kind: 'aborted' });
  });
}

/** A fast client's large body would be read 2 MiB at a time, and everybody else would wait for it. */
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
