import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.ts';

const MAX_WAIT_MS = 2_000;
const limits = fc.record({ perSecond: fc.constantFrom(0.5, 5, 100), burst: fc.integer({ min: 1, max: 10 }) });
const gaps = fc.array(fc.nat(400), { maxLength: 80 });

describe('the token bucket', () => {
  test('a burst at once, then its rate; beyond the longest wait no token is taken', () => {
    const rate = { perSecond: 10, burst: 3 };
    const bucket = new TokenBucket(rate.burst, 0);
    const waits = Array.from({ length: 7 }, () => bucket.reserve(rate, 0, 250));
    expect(waits).toEqual([0, 0, 0, 100, 200, 300, 300]);
    expect(bucket.reserve(rate, 1_000, 250)).toBe(0);
  });

  test('a token that is valid now, or none', () => {
    const rate = { perSecond: 10, burst: 2 };
    const bucket = new TokenBucket(rate.burst, 0);
    expect([0, 0, 0, 99, 100, 100].map((at) => bucket.tryTake(rate, at))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  test('fills up again, but not beyond its burst', () => {
    const rate = { perSecond: 2, burst: 2 };
    const bucket = new TokenBucket(rate.burst, 0);
    expect([0, 0, 0].map((at) => bucket.reserve(rate, at))).toEqual([0, 0, 500]);
    expect([1_000, 1_000].map((at) => bucket.reserve(rate, at))).toEqual([0, 500]);
    const later = 3_601_000;
    expect([later, later, later].map((at) => bucket.reserve(rate, at))).toEqual([0, 0, 500]);
  });

  test('in any window no more tokens fall due than the burst and the rate allow', () => {
    fc.assert(
      fc.property(limits, gaps, fc.integer({ min: 1, max: 3_000 }), (rate, script, windowMs) => {
        const bucket = new TokenBucket(rate.burst, 0);
        let now = 0;
        const due: number[] = [];
        for (const gap of script) {
          now += gap;
          const waitMs = bucket.reserve(rate, now, MAX_WAIT_MS);
          if (waitMs <= MAX_WAIT_MS) due.push(now + waitMs);
        }
        for (const [at, from] of due.entries()) {
          const within = due.slice(at).filter((time) => time < from + windowMs).length;
          expect(within).toBeLessThanOrEqual(rate.burst + (rate.perSecond * windowMs) / 1_000 + 1);
        }
      }),
    );
  });

  test('no token falls due later than the rate requires', () => {
    fc.assert(
      fc.property(limits, gaps, (rate, script) => {
        const bucket = new TokenBucket(rate.burst, 0);
        const everyMs = 1_000 / rate.perSecond;
        let now = 0;
        // Virtual scheduling: the time at which all tokens that were taken would be available again.
        let fullAt = 0;
        for (const gap of script) {
          now += gap;
          const expected = Math.max(0, fullAt - (rate.burst - 1) * everyMs - now);
          expect(bucket.reserve(rate, now)).toBeCloseTo(expected, 3);
          fullAt = Math.max(fullAt, now) + everyMs;
        }
      }),
    );
  });

  test('a rate that changes holds from the next token on', () => {
    const bucket = new TokenBucket(1, 0);
    bucket.reserve({ perSecond: 1, burst: 1 }, 0);
    expect(bucket.reserve({ perSecond: 1, burst: 1 }, 0)).toBe(1_000);
    expect(bucket.reserve({ perSecond: 10, burst: 1 }, 0)).toBe(200);
    expect(bucket.reserve({ perSecond: 0, burst: 1 }, 0, MAX_WAIT_MS)).toBe(Number.POSITIVE_INFINITY);
  });
});
