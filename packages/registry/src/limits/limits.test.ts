import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { retryAt } from '../http/retry-after.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { pauseByQuota } from './quota.ts';
import { TokenBucket } from './token-bucket.ts';

const HOUR_MS = 3_600_000;

describe('K5 Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  test.each([
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7_000],
    ['Thu, 01 Jan 2026 00:01:30 GMT', 90_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['999999999', 6 * HOUR_MS],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 6 * HOUR_MS],
    ['soon', 10_000],
    ['-5', 10_000],
    ['1e9', 10_000],
    ['', 10_000],
    [undefined, 10_000],
  ])('K5 %s', (header, waitMs) => {
    expect(retryAt(header, now)).toBe(now + waitMs);
  });
});

describe('K5 quotas that registries tell', () => {
  test.each([
    ['100;w=21600', '0;w=21600', 216_000],
    ['100;w=21600', '0', 216_000],
    ['100;w=21600', '1;w=21600', 0],
    ['100', '0', 0],
    ['0;w=21600', '0;w=21600', 0],
    ['1;w=99999999', '0;w=99999999', 6 * HOUR_MS],
    ['many', 'none', 0],
    [undefined, '0;w=60', 0],
    ['100;w=21600', undefined, 0],
  ])('K5 limit %s, remaining %s: %i ms', (limit, remaining, expected) => {
    const headers = {
      ...(limit === undefined ? {} : { 'ratelimit-limit': limit }),
      ...(remaining === undefined ? {} : { 'ratelimit-remaining': remaining }),
    };
    expect(pauseByQuota(headers)).toBe(expected);
  });
});

describe('K5 the circuit breaker', () => {
  const opened = (): CircuitBreaker => {
    const breaker = new CircuitBreaker();
    for (let at = 0; at < 5; at += 1) {
      expect(breaker.enter(at).kind).toBe('pass');
      breaker.failed(at);
    }
    return breaker;
  };

  test('K5 five failures in a row close the way, one success between them does not', () => {
    expect(opened().enter(10)).toMatchObject({ kind: 'closed-until', untilMs: 1_004 });
    const breaker = new CircuitBreaker();
    for (let at = 0; at < 20; at += 1) {
      expect(breaker.enter(at).kind).toBe('pass');
      if (at % 4 === 3) breaker.succeeded();
      else breaker.failed(at);
    }
  });

  test('K5 after the pause one probe goes, and nobody beside it', () => {
    const breaker = opened();
    expect(breaker.enter(1_004).kind).toBe('pass');
    expect(breaker.enter(1_004).kind).toBe('closed-until');
    breaker.succeeded();
    expect(breaker.enter(1_005).kind).toBe('pass');
    expect(breaker.enter(1_005).kind).toBe('pass');
  });

  test('K5 a probe that fails doubles the pause, up to half a minute', () => {
    const breaker = opened();
    let now = 1_004;
    for (const pause of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      expect(breaker.enter(now).kind).toBe('pass');
      breaker.failed(now);
      expect(breaker.enter(now)).toMatchObject({ kind: 'closed-until', untilMs: now + pause });
      now += pause;
    }
  });

  test('K5 for half a minute it is a failure like any other, then an outage, until it answers', () => {
    const breaker = opened();
    expect(breaker.enter(1_000)).toMatchObject({ kind: 'closed-until', isOutage: false });
    for (const now of [1_004, 29_000]) breaker.failed(now);
    expect(breaker.enter(29_999)).toMatchObject({ kind: 'closed-until', isOutage: false });
    expect(breaker.enter(30_000)).toMatchObject({ kind: 'closed-until', isOutage: true });
    breaker.succeeded();
    for (let at = 0; at < 5; at += 1) breaker.failed(40_000);
    expect(breaker.enter(40_001)).toMatchObject({ kind: 'closed-until', isOutage: false });
  });

  test('K5 a probe that was ended from our side lets another go', () => {
    const breaker = opened();
    breaker.enter(2_000);
    breaker.abandoned();
    expect(breaker.enter(2_000).kind).toBe('pass');
  });
});

describe('K5 the token bucket', () => {
  test('K5 a burst at once, then its rate; beyond the longest wait no place is taken', () => {
    const limit = { perSecond: 10, burst: 3, maxWaitMs: 250 };
    const bucket = new TokenBucket(limit.burst, 0);
    const waits = Array.from({ length: 7 }, () => bucket.take(limit, 0));
    expect(waits).toEqual([0, 0, 0, 100, 200, 300, 300]);
    expect(bucket.take(limit, 1_000)).toBe(0);
  });

  test('K5 in any window no more places fall due than the burst and the rate allow', () => {
    const limit = { perSecond: 5, burst: 4, maxWaitMs: 2_000 };
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 100 }), (gaps) => {
        const bucket = new TokenBucket(limit.burst, 0);
        let now = 0;
        const due: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const wait = bucket.take(limit, now);
          if (wait <= limit.maxWaitMs) due.push(now + wait);
        }
        for (const [at, from] of due.entries()) {
          const within = due.slice(at).filter((time) => time <= from + 1_000).length;
          expect(within).toBeLessThanOrEqual(limit.burst + limit.perSecond + 1);
        }
      }),
    );
  });
});
