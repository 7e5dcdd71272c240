import { describe, expect, test } from '@jest/globals';
import { SOFT_TTL_MS, trustedConfirmationMs } from './tag-times.ts';

const NOW = 1_800_000_000_000;
const STALE = NOW - SOFT_TTL_MS.otherwise;

describe('K3 the time at which a tag was confirmed', () => {
  test.each<[string, number, number]>([
    ['long ago', NOW - 86_400_000, NOW - 86_400_000],
    ['just now', NOW, NOW],
    ['a millisecond ahead', NOW + 1, NOW],
    ['as far ahead as synchronized clocks may be', NOW + 1_000, NOW],
    ['further ahead', NOW + 1_001, STALE],
    ['three hours ahead', NOW + 3 * 3_600_000, STALE],
    ['for ever ahead', Number.MAX_VALUE, STALE],
  ])('K3 %s', (_, confirmedAtMs, expected) => {
    expect(trustedConfirmationMs(confirmedAtMs, NOW)).toBe(expected);
  });
});
