import { describe, expect, test } from '@jest/globals';
import type { NegativeEntry } from './memory-cache.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { buildNegativeEntry } from './negative-cache.ts';

const NOW = 1_000_000;

/** Returns the lifetimes of consecutive failures, each `afterMs` later than the expiry of the one before. */
function pauses(failures: readonly (readonly [afterMs: number, failure: FetchFailure])[]): readonly number[] {
  let now = NOW;
  let before: NegativeEntry | undefined;
  return failures.map(([afterMs, failure]) => {
    now += afterMs;
    const entry = buildNegativeEntry(failure, before, now);
    before = entry;
    const pause = entry.untilMs - now;
    now = entry.untilMs;
    return pause;
  });
}

const unavailable = failed('Unavailable');
const minutes = (count: number): number => count * 60_000;

describe('I4 the lifetime of a cached failure', () => {
  test.each(['Unauthorized', 'NotFound', 'Malformed', 'TooLarge', 'Blocked'] as const)('K3 %s: 30 s', (reason) => {
    expect(pauses([1, 2, 3].map(() => [0, failed(reason)]))).toEqual([30_000, 30_000, 30_000]);
  });

  test('I4 without an answer: a second, doubled with each failure in a row, at most 30 s', () => {
    const all = pauses(Array.from({ length: 8 }, () => [500, unavailable]));
    expect(all).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('I4 failures a minute apart, or after another failure, are not in a row', () => {
    const far = [unavailable, unavailable, unavailable].map((failure) => [minutes(1), failure] as const);
    expect(pauses(far)).toEqual([1_000, 1_000, 1_000]);
    expect(pauses([unavailable, unavailable, failed('NotFound'), unavailable].map((one) => [0, one]))).toEqual([
      1_000, 2_000, 30_000, 1_000,
    ]);
  });

  test('I4 the time to retry of the registry has precedence', () => {
    const entry = buildNegativeEntry(failed('RateLimited', NOW + minutes(10)), undefined, NOW);
    expect(entry).toMatchObject({ untilMs: NOW + minutes(10), failure: { retryAtMs: NOW + minutes(10) } });
  });
});
