import { describe, expect, test } from '@jest/globals';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { HARD_TTL_MS, planInspection, SOFT_TTL_MS, staleAnswer } from './plan.ts';
import type { Known } from './plan.ts';

const NOW = 10 * HARD_TTL_MS;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const facts: Known['facts'] = { content: { kind: 'neutral' }, source: 'registry' };
const nothing: Known = { shown: undefined, facts: undefined, refusal: undefined, seen: false };

const shown = (ageMs: number): Known => ({ ...nothing, facts, shown: { digest: DIGEST, confirmedAtMs: NOW - ageMs } });
const refused = (reason: FetchFailure['reason'], known = nothing): Known => ({
  ...known,
  refusal: { failure: failed(reason), untilMs: NOW + 1, pauseMs: 1 },
});

const minutes = (count: number): number => count * 60_000;

describe('I2 K3 the cheapest next step', () => {
  const { always, otherwise } = SOFT_TTL_MS;
  const cases: readonly (readonly [string, Known, number, string])[] = [
    ['a tag never seen', nothing, otherwise, 'fetch v1'],
    ['a tag that another scope was shown', { ...nothing, seen: true }, otherwise, 'revalidate'],
    ['a tag within ten minutes', shown(minutes(10) - 1), otherwise, 'answer'],
    ['a tag after ten minutes', shown(minutes(10)), otherwise, 'revalidate'],
    ['with Always, a tag within a minute', shown(minutes(1) - 1), always, 'answer'],
    ['with Always, a tag after a minute', shown(minutes(1)), always, 'revalidate'],
    ['a digest within a day of its being shown', shown(HARD_TTL_MS - 1), HARD_TTL_MS, 'answer'],
    ['a digest after a day', shown(HARD_TTL_MS), HARD_TTL_MS, 'revalidate'],
    ['a tag shown by a replica whose clock is ahead', shown(-minutes(5)), otherwise, 'answer'],
    ['a tag whose facts were evicted', { ...shown(0), facts: undefined }, otherwise, `fetch ${DIGEST}`],
    ['a refusal', refused('NotFound'), otherwise, 'refuse'],
    ['a refusal and a tag that is fresh', refused('Unavailable', shown(0)), otherwise, 'answer'],
    ['an outage and a tag past its time', refused('Unavailable', shown(minutes(60))), otherwise, 'answer'],
    ['a rate limit and a tag past its time', refused('RateLimited', shown(minutes(60))), otherwise, 'answer'],
    ['an open breaker and a tag past its time', refused('BreakerOpen', shown(minutes(60))), otherwise, 'answer'],
    ['an outage and a tag a day old', refused('Unavailable', shown(HARD_TTL_MS)), otherwise, 'refuse'],
    [
      'a refusal of the credential and a tag past its time',
      refused('Unauthorized', shown(minutes(60))),
      otherwise,
      'refuse',
    ],
    ['a tag that is gone and was there', refused('NotFound', shown(minutes(60))), otherwise, 'refuse'],
  ];

  test.each(cases)('K3 %s', (_, known, softTtlMs, expected) => {
    const plan = planInspection(known, 'v1', softTtlMs, NOW);
    expect(plan.kind === 'fetch' ? `fetch ${plan.reference}` : plan.kind).toBe(expected);
  });

  test('K3 what is served stale is at most a day old, and never without facts', () => {
    expect(staleAnswer(shown(HARD_TTL_MS - 1), NOW)?.kind).toBe('answer');
    expect(staleAnswer(shown(HARD_TTL_MS), NOW)).toBeUndefined();
    expect(staleAnswer({ ...shown(0), facts: undefined }, NOW)).toBeUndefined();
    expect(staleAnswer(nothing, NOW)).toBeUndefined();
  });
});
