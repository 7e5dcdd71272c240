import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isExcessive } from './body-limits.ts';

const padded = (json: string): Buffer => Buffer.from(`["${'x'.repeat(70_000)}",${json}]`);

describe('isExcessive', () => {
  test.each<[string, Buffer, boolean]>([
    ['a small body of any depth', Buffer.from('['.repeat(60_000)), false],
    ['200 deep', padded('['.repeat(199) + ']'.repeat(199)), false],
    ['201 deep', padded('['.repeat(200) + ']'.repeat(200)), true],
    ['100,000 objects', padded(`${'{},'.repeat(99_998)}{}`), false],
    ['100,001 objects', padded(`${'{},'.repeat(99_999)}{}`), true],
    ['100,001 separators', padded(`[${'0,'.repeat(100_000)}0]`), true],
    [
      '280,000 fields of one object',
      padded(`{${Array.from({ length: 280_000 }, (_, i) => `"${i}":""`).join()}}`),
      true,
    ],
    ['brackets inside a string', padded(`"${'[{'.repeat(100_000)}"`), false],
    ['brackets behind an escaped quote', padded(`"\\"${'[{'.repeat(100_000)}"`), false],
    ['brackets behind an escaped backslash', padded(`"\\\\",${'['.repeat(300)}`), true],
    ['an unterminated string', padded(`"${'['.repeat(100_000)}`), false],
    ['more closing than opening brackets', padded(']'.repeat(100_000)), false],
  ])('%s', (_, body, expected) => {
    expect(isExcessive(body)).toBe(expected);
  });

  test('accepts all JSON within the bounds', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (json) => {
        expect(isExcessive(padded(json))).toBe(false);
      }),
    );
  });
});
