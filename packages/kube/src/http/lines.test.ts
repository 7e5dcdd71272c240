import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readBounded } from './body.ts';
import { splitLines } from './lines.ts';

// eslint-disable-next-line @typescript-eslint/require-await -- a connection is an async iterable
async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    yield bytes.subarray(start, start + size);
    start += size;
  }
  yield bytes.subarray(start);
}

async function readLines(text: string, sizes: readonly number[], maxBytes = 1_000_000): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(chunked(Buffer.from(text), sizes), maxBytes)) {
    lines.push(Buffer.from(line).toString());
  }
  return lines;
}

describe('splitLines', () => {
  test('returns whole lines, for any chunk boundaries', async () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(20)), async (lines, sizes) => {
        expect(await readLines(lines.map((each) => `${each}\n`).join(''), sizes)).toEqual(lines);
      }),
    );
  });

  test('skips empty lines', async () => {
    expect(await readLines('a\n\n\nb\n', [1, 1])).toEqual(['a', 'b']);
  });

  test('throws for a last line without a newline', async () => {
    await expect(readLines('a\nb', [])).rejects.toMatchObject({ code: 'Malformed' });
  });

  test.each([
    ['in one chunk', []],
    ['in many chunks', [3, 3, 3]],
  ])('limits the length of a line: %s', async (_, sizes) => {
    expect(await readLines('aaaaaaaa\nbb\n', sizes, 8)).toEqual(['aaaaaaaa', 'bb']);
    await expect(readLines('aaaaaaaaa\n', sizes, 8)).rejects.toMatchObject({ code: 'TooLarge' });
  });
});

describe('readBounded', () => {
  test('reads a body up to its limit', async () => {
    const bytes = Buffer.from('0123456789');
    expect(await readBounded(chunked(bytes, [4, 4]), 10)).toEqual(bytes);
    await expect(readBounded(chunked(bytes, [4, 4]), 9)).rejects.toMatchObject({ code: 'TooLarge' });
  });
});
