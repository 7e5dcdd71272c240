import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DOCUMENT_BOUNDS } from '../manifest/bounds.ts';
import { isWithinBounds } from './bounds.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const bounds = { depth: 3, containers: 4, separators: 4, values: 6 };

describe('I3 bounds of a JSON text', () => {
  test.each([
    ['', true],
    ['{"a":[{}]}', true],
    ['[[[[', false],
    ['[1,2,3,4,5]', true],
    ['[1,2,3,4,5,6]', false],
    ['[[][][]', true],
    ['[[][][][]', false],
    ['[[],1,2,3,[]]', false],
    ['[[],1,2,3]', true],
    ['["[[[[[{{{{,,,,,,,,"]', true],
    ['["\\"[[[[["]', true],
    ['["\\\\",[[[[[]', false],
    ['"unterminated [[[[[[', true],
    [']]]][[[[', true],
  ])('I3 %s: %s', (text, expected) => {
    expect(isWithinBounds(bytes(text), bounds)).toBe(expected);
  });

  test('I3 accepts documents within the bounds, with any strings', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(isWithinBounds(bytes(text), DOCUMENT_BOUNDS)).toBe(true);
      }),
    );
  });

  test('I3 rejects nesting and counts over the bounds before parsing', () => {
    expect(isWithinBounds(bytes('['.repeat(1_000_000)), DOCUMENT_BOUNDS)).toBe(false);
    expect(isWithinBounds(bytes(`[${'{},'.repeat(1_000_000)}{}]`), DOCUMENT_BOUNDS)).toBe(false);
  });
});
