import { KubeError } from '../errors.ts';
import type { Chunks } from './body.ts';

const NEWLINE = 0x0a;

/**
 * Splits a stream into lines, each as bytes without its newline; empty lines are left out. Lines are cut at bytes, so
 * characters that were split between chunks stay whole. Throws KubeError `too-large` for a line over `maxBytes` and
 * `malformed` for a last line without its newline: the sender was cut off.
 */
export async function* splitLines(chunks: Chunks, maxBytes: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const take = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes > maxBytes) throw new KubeError('too-large', 'a line of the watch is longer than its bound');
    if (part.length > 0) parts.push(part);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      if (bytes > 0) yield parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, bytes);
      parts = [];
      bytes = 0;
    }
    take(chunk.subarray(start));
  }
  if (bytes > 0) throw new KubeError('malformed', 'the watch ended in the middle of a line');
}
