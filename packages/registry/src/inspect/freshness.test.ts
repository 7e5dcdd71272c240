import { describe, expect, test } from '@jest/globals';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { HARD_TTL_MS, nextStep, SOFT_TTL_MS, staleIfError } from './freshness.ts';
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

describe('I2 K3 the cheapest next step', () => {
  const { always, otherwise } = SOFT_TTL_MS;
  const cases: readonly (readonly [string, CacheEntry, number, string])[] = [
    ['a tag never seen', nothing, otherwise, 'fetch v1'],
    ['a tag that another scope was shown', { ...nothing, isCachedForOtherScope: true }, otherwise, 'revalidate'],
    ['a tag within ten minutes', tagged(minutes(10) - 1), otherwise, 'answer'],
    ['a tag after ten minutes', tagged(minutes(10)), otherwise, 'revalidate'],
    ['with Always, a tag within a minute', tagged(minutes(1) - 1), always, 'answer'],
    ['with Always, a tag after a minute', tagged(minutes(1)), always, 'revalidate'],
    ['a digest within a day of its being shown', tagged(HARD_TTL_MS - 1), HARD_TTL_MS, 'answer'],
    ['a digest after a day', tagged(HARD_TTL_MS), HARD_TTL_MS, 'revalidate'],
    ['a tag shown by a replica whose clock is ahead', tagged(-minutes(5)), otherwise, 'answer'],
    ['a tag whose facts were evicted', { ...tagged(0), facts: undefined }, otherwise, `fetch ${DIGEST}`],
    ['a refusal', failedBefore('NotFound'), otherwise, 'fail'],
    ['a refusal and a tag that is fresh', failedBefore('Unavailable', tagged(0)), otherwise, 'answer'],
    ['an outage and a tag past its time', failedBefore('Unavailable', tagged(minutes(60))), otherwise, 'answer'],
    ['a rate limit and a tag past its time', failedBefore('RateLimited', tagged(minutes(60))), otherwise, 'answer'],
    ['an open breaker and a tag past its time', failedBefore('BreakerOpen', tagged(minutes(60))), otherwise, 'answer'],
    ['an outage and a tag a day old', failedBefore('Unavailable', tagged(HARD_TTL_MS)), otherwise, 'fail'],
    [
      'a refusal of the credential and a tag past its time',
      failedBefore('Unauthorized', tagged(minutes(60))),
      otherwise,
      'fail',
    ],
    ['a tag that is gone and was there', failedBefore('NotFound', tagged(minutes(60))), otherwise, 'fail'],
  ];

  test.each(cases)('K3 %s', (_, entry, softTtlMs, expected) => {
    const step = nextStep(entry, 'v1', softTtlMs, NOW);
    expect(step.kind === 'fetch' ? `fetch ${step.reference}` : step.kind).toBe(expected);
  });

  test('K3 what is served stale is at most a day old, and never without facts', () => {
    expect(staleIfError(tagged(HARD_TTL_MS - 1), NOW)?.kind).toBe('answer');
    expect(staleIfError(tagged(HARD_TTL_MS), NOW)).toBeUndefined();
    expect(staleIfError({ ...tagged(0), facts: undefined }, NOW)).toBeUndefined();
    expect(staleIfError(nothing, NOW)).toBeUndefined();
  });
});
