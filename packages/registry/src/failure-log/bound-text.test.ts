import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { boundText } from './bound-text.ts';

test.each([
  ['registry.example:5000', 'registry.example:5000'],
  ['a\u0000\n\r\u001b[31mb', 'a[31mb'],
  ['a\u009b31mb\u007f', 'a31mb'],
  // Right-to-left override, zero-width space, a lone surrogate.
  ['a\u202eb\u200bc\ud800', 'abc'],
])('P5 %j in a log line: %j', (text, expected) => {
  expect(boundText(text)).toBe(expected);
});

test('P5 no text has invisible characters, or more than 256 characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      expect(boundText(text)).toMatch(/^\P{C}{0,256}$/u);
    }),
  );
});
