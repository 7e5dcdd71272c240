import { expect, test } from '@jest/globals';
import { parseWholeNumber, UsageError } from './usage.ts';

test.each([
  ['', undefined],
  ['3', 3],
  ['030', 30],
])('MINUTES=%s is accepted', (text, value) => {
  expect(parseWholeNumber('MINUTES', text, 1)).toBe(value);
});

test.each(['abc', '0', '-1', '1.5', '1e3', ' 3', '99999999999999999999'])('MINUTES=%s is rejected', (text) => {
  expect(() => parseWholeNumber('MINUTES', text, 1)).toThrow(UsageError);
  expect(() => parseWholeNumber('MINUTES', text, 1)).toThrow(`MINUTES="${text}" is no whole number from 1`);
});
