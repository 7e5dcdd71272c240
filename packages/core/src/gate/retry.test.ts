import { describe, expect, test } from '@jest/globals';
import type { Inspection, UnresolvedReason } from '../inspection/inspection.ts';
import { inspectionRetryDelayMs, liftRetryDelayMs } from './retry.ts';

const NOW = 1_000_000;

function again(inspection: Inspection, attempts = 1, random = 0): number | undefined {
  return inspectionRetryDelayMs(inspection, { attempts, nowMs: NOW, random });
}

function unresolved(reason: UnresolvedReason, retryAtMs?: number): Inspection {
  return { kind: 'unresolved', reason, ...(retryAtMs !== undefined && { retryAtMs }) };
}

describe('PL9 the delay until a pending image is inspected again', () => {
  test('rate limited: at the given time, not before', () => {
    expect(again(unresolved('RateLimited', NOW + 7_000))).toBe(7_000);
    expect(again(unresolved('RateLimited', NOW + 7_000), 1, 1)).toBe(7_250);
    expect(again(unresolved('Unavailable', NOW + 7_000), 9)).toBe(7_000);
  });

  test('a time in the past is ignored', () => {
    expect(again(unresolved('RateLimited', NOW), 1, 0)).toBe(500);
  });

  test.each<[number, number, number]>([
    [1, 0, 500],
    [1, 1, 1_000],
    [2, 0, 1_000],
    [3, 1, 4_000],
    [6, 1, 30_000],
    [2_000, 1, 30_000],
  ])('without a given time, attempt %i: between half of the back-off and all of it', (attempts, random, expected) => {
    for (const reason of ['RateLimited', 'Unavailable', 'Deadline'] as const) {
      expect(again(unresolved(reason), attempts, random)).toBe(expected);
    }
  });

  test.each<[UnresolvedReason]>([
    ['Unauthorized'],
    ['NotFound'],
    ['Blocked'],
    ['Malformed'],
    ['TooLarge'],
    ['BreakerOpen'],
    ['InvalidReference'],
    ['UnknownPlatform'],
  ])('%s: never, the result is final', (reason) => {
    expect(again(unresolved(reason, NOW + 1_000))).toBeUndefined();
  });

  test('a resolved image: never', () => {
    const facts = { digest: 'sha256:a', platforms: [], neutral: true };
    expect(again({ kind: 'resolved', facts, source: 'registry', ageMs: 0 })).toBeUndefined();
  });
});

describe('PL12 the delay until the next attempt to lift a gate', () => {
  test.each<[string, number, number, number, number]>([
    ['after the first failure', 1, 1, 0, 200],
    ['doubled', 3, 1, 0, 800],
    ['with jitter', 3, 0, 0, 400],
    ['at most twice a minute', 12, 1, 0, 30_000],
    ['without an end', 5_000, 1, 0, 30_000],
    ['the delay of the server, if it is longer', 1, 1, 9_000, 9_000],
    ['the back-off, if it is longer', 12, 1, 1_000, 30_000],
  ])('%s', (_, passes, random, retryAfterMs, expected) => {
    expect(liftRetryDelayMs(passes, random, { retryAfterMs })).toBe(expected);
  });

  test.each<[string, number, number, number, number]>([
    ['at the timeout, if that is sooner', 12, 0, 7_000, 7_000],
    ['not before the delay of the server', 12, 9_000, 7_000, 9_000],
    ['the back-off, if it is sooner', 1, 0, 7_000, 200],
    ['the back-off after the timeout', 3, 0, -5_000, 800],
  ])('%s', (_, passes, retryAfterMs, remainingMs, expected) => {
    expect(liftRetryDelayMs(passes, 1, { retryAfterMs, remainingMs })).toBe(expected);
  });
});
