import { describe, expect, test } from '@jest/globals';
import { HARD_TTL_MS, SOFT_TTL_MS, storedConfirmationMs, trustedConfirmationMs } from './tag-times.ts';

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

  test.each<[string, number, number | undefined, number]>([
    ['as stored', NOW - 5_000, HARD_TTL_MS - 5_000, NOW - 5_000],
    ['by a fast clock whose time has come', NOW - 60_000, HARD_TTL_MS - 10_860_000, NOW - 10_860_000],
    ['by a slow clock', NOW - 10_860_000, HARD_TTL_MS - 60_000, NOW - 10_860_000],
    ['with an unknown remaining time', NOW - 5_000, undefined, NOW - 5_000],
    ['with a remaining time that is too long', NOW - 5_000, 2 * HARD_TTL_MS, NOW - 5_000],
    ['by a fast clock, with a remaining time that is too long', NOW + 5_000, 2 * HARD_TTL_MS, STALE],
  ])('K3 read from the store: %s', (_, confirmedAtMs, remainingMs, expected) => {
    expect(storedConfirmationMs(confirmedAtMs, remainingMs, NOW)).toBe(expected);
  });
});
