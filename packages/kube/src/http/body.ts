import { PeriodicYield } from '@archpolicy/async';
import { parseJson as parseJsonText } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

/**
 * Bytes between two yields: a connection that delivers faster than they are parsed would block the event loop. They are
 * some 20 pods and take a few milliseconds.
 */
const BYTES_PER_YIELD = 256 * 1024;

/** Bytes as they come from a connection. */
export type Chunks = AsyncIterable<Uint8Array>;

/** Reads a body whole, at most `maxBytes` of it. Throws KubeError `TooLarge`. */
export async function readBounded(chunks: Chunks, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of boundedChunks(chunks, maxBytes)) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Yields the chunks as they arrive, until they exceed `maxBytes`. Throws KubeError `TooLarge`. */
export async function* boundedChunks(chunks: Chunks, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new KubeError('TooLarge', 'the answer is larger than its bound');
    yield chunk;
  }
}

/** Yields the chunks as they arrive, and control to the event loop between them once every so many bytes. */
export async function* yieldBetweenChunks(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const yields = new PeriodicYield(BYTES_PER_YIELD);
  for await (const chunk of chunks) {
    yield chunk;
    const due = yields.count(chunk.length);
    if (due !== undefined) await due;
  }
}

/** Parses UTF-8 JSON. Throws KubeError `Malformed`, which quotes nothing of it: it may be a Secret. */
export function parseJson(bytes: Uint8Array): Json {
  const parse = parseJsonText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  if (parse.kind === 'failed') throw new KubeError('Malformed', `the answer is not JSON: ${parse.failure}`);
  return parse.value;
}
