import { PeriodicYield } from '@archpolicy/async';
import { parseJson as parseJsonText } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { KubeError } from '../errors.ts';

/**
 * Number of bytes between two yields to the event loop: about 20 pods, which take a few milliseconds to parse. Without yields, a fast
 * connection would block the event loop.
 */
const BYTES_PER_YIELD = 256 * 1024;

/** Chunks of bytes, as read from a connection. */
export type Chunks = AsyncIterable<Uint8Array>;

/** Reads a whole body of at most `maxBytes`. Throws KubeError `TooLarge`. */
export async function readBounded(chunks: Chunks, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of boundedChunks(chunks, maxBytes)) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Yields the chunks unchanged. Throws KubeError `TooLarge` once their total size exceeds `maxBytes`. */
export async function* boundedChunks(chunks: Chunks, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new KubeError('TooLarge', 'the response is larger than its limit');
    yield chunk;
  }
}

/** Yields the chunks unchanged, and yields to the event loop every {@link BYTES_PER_YIELD} bytes. */
export async function* yieldBetweenChunks(chunks: Chunks): AsyncGenerator<Uint8Array> {
  const yields = new PeriodicYield(BYTES_PER_YIELD);
  for await (const chunk of chunks) {
    yield chunk;
    const due = yields.count(chunk.length);
    if (due !== undefined) await due;
  }
}

/** Parses UTF-8 JSON. Throws KubeError `Malformed` without quoting the text, which may be a Secret. */
export function parseJson(bytes: Uint8Array): Json {
  const parse = parseJsonText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  if (parse.kind === 'failed') throw new KubeError('Malformed', `the response is not JSON: ${parse.failure}`);
  return parse.value;
}
