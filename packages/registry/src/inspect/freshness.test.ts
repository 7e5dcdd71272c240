import { describe, expect, test } from '@jest/globals';
import { failed } from '../http/outcome.ts';
import { HARD_TTL_MS, SOFT_TTL_MS } from '../cache/tag-times.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { currentAge, nextStep, staleIfError } from './freshness.ts';
import type { CacheEntry } from './freshness.ts';

const NOW = 10 * HARD_TTL_MS;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const facts: CacheEntry['facts'] = { content: { kind: 'neutral' }, source: 'registry' };
const nothing: CacheEntry = { tag: undefined, facts: undefined, failure: undefined, isCachedForOtherScope: false };

const tagged = (ageMs: number): CacheEntry => ({
  ...nothing,
  facts,
  tag: { digest: DIGEST, confirmedAtMs: NOW - ageMs },
});
const failedBefore = (reason: FetchFailure['reason'], entry = nothing): CacheEntry => ({
  ...entry,
  failure: { failure: failed(reason), untilMs: NOW + 1, pauseMs: 1 },
});

const minutes = (count: number): number => count * 60_000;

describe('I2 K3 the next step of an inspection', () => {
  const { always, otherwise } = SOFT_TTL_MS;
  const cases: readonly (readonly [string, CacheEntry, number, string])[] = [
    ['a tag without an entry', nothing, otherwise, 'fetch v1'],
    [
      'a tag that the registry returned to another scope',
      { ...nothing, isCachedForOtherScope: true },
      otherwise,
      'revalidate',
    ],
    ['a tag younger than ten minutes', tagged(minutes(10) - 1), otherwise, 'answer'],
    ['a tag older than ten minutes', tagged(minutes(10)), otherwise, 'revalidate'],
    ['with Always, a tag younger than a minute', tagged(minutes(1) - 1), always, 'answer'],
    ['with Always, a tag older than a minute', tagged(minutes(1)), always, 'revalidate'],
    ['a digest confirmed less than a day ago', tagged(HARD_TTL_MS - 1), HARD_TTL_MS, 'answer'],
    ['a digest confirmed a day ago', tagged(HARD_TTL_MS), HARD_TTL_MS, 'revalidate'],
    ['a tag confirmed a little in the future', tagged(-500), otherwise, 'answer'],
    ['a tag confirmed in the future', tagged(-minutes(5)), otherwise, 'revalidate'],
    ['with Always, a tag confirmed in the future', tagged(-minutes(5)), always, 'revalidate'],
    [
      'an outage and a tag confirmed in the future',
      failedBefore('Unavailable', tagged(-minutes(180))),
      otherwise,
      'answer',
    ],
    ['a fresh tag without facts', { ...tagged(0), facts: undefined }, otherwise, `fetch ${DIGEST}`],
    ['a rejection', failedBefore('NotFound'), otherwise, 'fail'],
    ['a rejection and a fresh tag', failedBefore('Unavailable', tagged(0)), otherwise, 'answer'],
    ['an outage and a stale tag', failedBefore('Unavailable', tagged(minutes(60))), otherwise, 'answer'],
    ['a rate limit and a stale tag', failedBefore('RateLimited', tagged(minutes(60))), otherwise, 'answer'],
    ['an open breaker and a stale tag', failedBefore('BreakerOpen', tagged(minutes(60))), otherwise, 'answer'],
    ['an outage and a tag a day old', failedBefore('Unavailable', tagged(HARD_TTL_MS)), otherwise, 'fail'],
    ['a rejected credential and a stale tag', failedBefore('Unauthorized', tagged(minutes(60))), otherwise, 'fail'],
    ['a stale tag that was deleted', failedBefore('NotFound', tagged(minutes(60))), otherwise, 'fail'],
  ];

  test.each(cases)('K3 %s', (_, entry, softTtlMs, expected) => {
    const step = nextStep(entry, 'v1', softTtlMs, NOW);
    expect(step.kind === 'fetch' ? `fetch ${step.reference}` : step.kind).toBe(expected);
  });

  test('K3 the age of a tag confirmed in the future is the soft TTL', () => {
    expect(currentAge({ digest: DIGEST, confirmedAtMs: NOW + minutes(180) }, NOW)).toBe(otherwise);
    expect(currentAge({ digest: DIGEST, confirmedAtMs: NOW + 500 }, NOW)).toBe(0);
  });

  test('K3 a stale answer is at most a day old and has facts', () => {
    expect(staleIfError(tagged(HARD_TTL_MS - 1), NOW)?.kind).toBe('answer');
    expect(staleIfError(tagged(HARD_TTL_MS), NOW)).toBeUndefined();
    expect(staleIfError({ ...tagged(0), facts: undefined }, NOW)).toBeUndefined();
    expect(staleIfError(nothing, NOW)).toBeUndefined();
  });
});
