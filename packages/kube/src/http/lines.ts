import { KubeError } from '../errors.ts';
import type { Chunks } from './body.ts';
import { ByteBuffer } from './byte-buffer.ts';

const NEWLINE = 0x0a;

/**
 * Splits a stream into lines without their newlines. Skips empty lines. The lines are bytes, so that a character that is split between
 * two chunks stays intact.
 *
 * @throws KubeError `TooLarge` for a line over `maxBytes`, `Malformed` for a last line without a newline (truncated)
 */
export async function* splitLines(chunks: Chunks, maxBytes: number): AsyncGenerator<Uint8Array> {
  const line = new ByteBuffer(maxBytes);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      line.append(chunk.subarray(start, end));
      start = end + 1;
      if (line.bytes > 0) yield line.take();
    }
    line.append(chunk.subarray(start));
  }
  if (line.bytes > 0) throw new KubeError('Malformed', 'the watch ended in the middle of a line');
}
