import { describe, expect, test } from '@jest/globals';
import { isLabelKey, isLabelValue } from './label-syntax.ts';

const name63 = 'a'.repeat(63);
/** A DNS subdomain of 253 characters. */
const prefix253 = `${'a'.repeat(61)}.${'a'.repeat(63)}.${'a'.repeat(63)}.${'a'.repeat(63)}`;

describe('isLabelKey', () => {
  test.each(['a', 'A', '9', 'a-b_c.D', 'app.kubernetes.io/name', 'x/y', name63, `${prefix253}/${name63}`])(
    '%s is one',
    (key) => {
      expect(isLabelKey(key)).toBe(true);
    },
  );

  test.each([
    '',
    'a b',
    '-a',
    'a-',
    '/a',
    'a/',
    'a/b/c',
    'A.io/name',
    'a..b/name',
    '-a.io/n',
    `${name63}a`,
    `a${prefix253}/a`,
    'ä',
    'a\n',
  ])('%j is none', (key) => {
    expect(isLabelKey(key)).toBe(false);
  });
});

describe('isLabelValue', () => {
  test.each(['', 'a', 'arm64', 'A.b_c-9', name63])('%j is one', (value) => {
    expect(isLabelValue(value)).toBe(true);
  });

  test.each(['-a', 'a-', 'a/b', 'a b', `${name63}a`, 'ä', 'a\n'])('%j is none', (value) => {
    expect(isLabelValue(value)).toBe(false);
  });
});
