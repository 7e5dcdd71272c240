import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readBounded } from './body.ts';
import { splitLines } from './lines.ts';

// eslint-disable-next-line @typescript-eslint/require-await -- an async iterable is what a connection is
async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    yield bytes.subarray(start, start + size);
    start += size;
  }
  yield bytes.subarray(start);
}

async function linesOf(text: string, sizes: readonly number[], maxBytes = 1_000_000): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(chunked(Buffer.from(text), sizes), maxBytes)) {
    lines.push(Buffer.from(line).toString());
  }
  return lines;
}

describe('lines of a watch', () => {
  test('come out whole, however the bytes were cut', async () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(20)), async (lines, sizes) => {
        expect(await linesOf(lines.map((each) => `${each}\n`).join(''), sizes)).toEqual(lines);
      }),
    );
  });

  test('empty ones are left out', async () => {
    expect(await linesOf('a\n\n\nb\n', [1, 1])).toEqual(['a', 'b']);
  });

  test('a last one without its end is an error: the sender was cut off', async () => {
    await expect(linesOf('a\nb', [])).rejects.toMatchObject({ code: 'Malformed' });
  });

  test.each([
    ['in one chunk', []],
    ['in many', [3, 3, 3]],
  ])('are bounded: %s', async (_, sizes) => {
    expect(await linesOf('aaaaaaaa\nbb\n', sizes, 8)).toEqual(['aaaaaaaa', 'bb']);
    await expect(linesOf('aaaaaaaaa\n', sizes, 8)).rejects.toMatchObject({ code: 'TooLarge' });
  });
});

describe('a body', () => {
  test('is read up to its bound', async () => {
    const bytes = Buffer.from('0123456789');
    expect(await readBounded(chunked(bytes, [4, 4]), 10)).toEqual(bytes);
    await expect(readBounded(chunked(bytes, [4, 4]), 9)).rejects.toMatchObject({ code: 'TooLarge' });
  });
});
