import { describe, expect, test } from '@jest/globals';
import { mayReplaceCertificate, validityState } from './validity.ts';
import type { ValidityState } from './validity.ts';

const NOW = 1_000;
const periods = {
  expired: { notBeforeMs: 0, notAfterMs: NOW },
  'not-yet-valid': { notBeforeMs: NOW + 1, notAfterMs: 2_000 },
  valid: { notBeforeMs: NOW, notAfterMs: NOW + 1 },
} as const;

describe('certificate validity', () => {
  test.each(Object.entries(periods))('is %s, to the millisecond', (state, period) => {
    expect(validityState(period, NOW)).toBe(state);
  });

  test.each<[ValidityState, ValidityState, boolean]>([
    ['valid', 'valid', true],
    ['valid', 'not-yet-valid', false],
    ['valid', 'expired', false],
    ['not-yet-valid', 'valid', true],
    ['not-yet-valid', 'not-yet-valid', true],
    ['not-yet-valid', 'expired', false],
    ['expired', 'valid', true],
    ['expired', 'not-yet-valid', true],
    ['expired', 'expired', true],
  ])('P2 a certificate that is %s may be replaced with one that is %s: %s', (current, next, expected) => {
    expect(mayReplaceCertificate(periods[current], periods[next], NOW)).toBe(expected);
  });
});
