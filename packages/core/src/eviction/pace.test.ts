import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EvictionPace, getBurst } from './pace.ts';
import type { PolicyRate } from './pace.ts';

const START = 1_000_000;
const MINUTE = 60_000;
/** The highest rate that the CRD accepts. */
const HIGHEST = 6_000;

const rate = (maxPerMinute: number, policy = 'default'): PolicyRate => ({ policy, maxPerMinute });

/** Evicts as often as the pace allows, and returns the times of the evictions since `fromMs`. */
function evictAll(pace: EvictionPace, of: PolicyRate, fromMs: number, untilMs: number): readonly number[] {
  const times: number[] = [];
  for (let now = fromMs; now < untilMs;) {
    const limit = pace.limit(of, now);
    if (limit.kind === 'limited') now = limit.untilMs;
    else {
      pace.take(of, now);
      times.push(now - fromMs);
    }
  }
  return times.filter((ms) => ms < untilMs - fromMs);
}

describe('the pace of one policy', () => {
  test.each([
    [1, 1],
    [2, 1],
    [60, 1],
    [61, 2],
    [300, 5],
    [2_000, 34],
    [HIGHEST, 100],
  ])('R6 %d evictions a minute: the burst is what the rate allows in a second, %d', (maxPerMinute, burst) => {
    expect(getBurst(maxPerMinute)).toBe(burst);
    const atOnce = evictAll(new EvictionPace(HIGHEST), rate(maxPerMinute), START, START + 1);
    expect(atOnce).toHaveLength(burst);
  });

  test('R6 the default of 60 is one eviction a second', () => {
    const times = evictAll(new EvictionPace(HIGHEST), rate(60), START, START + 3_500);
    expect(times).toEqual([0, 1_000, 2_000, 3_000]);
  });

  test.each([1, 2, 3, 59, 60, 61, 300, 2_000, HIGHEST])(
    'R6 of %d evictions a minute, the first minute has exactly as many, and the next 98 %% or more',
    (maxPerMinute) => {
      const times = evictAll(new EvictionPace(HIGHEST), rate(maxPerMinute), START, START + 2 * MINUTE);
      const first = times.filter((ms) => ms < MINUTE).length;
      expect(first).toBeLessThanOrEqual(maxPerMinute);
      expect(first).toBeGreaterThanOrEqual(Math.floor(maxPerMinute * 0.99));
      expect(times.length - first).toBeGreaterThanOrEqual(Math.floor(maxPerMinute * 0.98));
    },
  );

  test('R6 1,000 evictions take 30 s at 2,000 a minute', () => {
    expect(evictAll(new EvictionPace(HIGHEST), rate(2_000), START, START + 30_000).length).toBeGreaterThanOrEqual(
      1_000,
    );
  });

  test('R6 a rate that changes applies from the next token on', () => {
    const pace = new EvictionPace(HIGHEST);
    pace.take(rate(60), START);
    expect(pace.limit(rate(60), START)).toEqual({ kind: 'limited', reason: 'PolicyLimit', untilMs: START + 1_000 });
    pace.take(rate(1), START + 1_000);
    expect(pace.limit(rate(1), START + 1_000)).toMatchObject({ untilMs: START + 1_000 + MINUTE });
  });
});

describe('the pace of the cluster', () => {
  test('R6 policies do not share their own rates, but together they keep to the rate of the cluster', () => {
    const pace = new EvictionPace(60);
    pace.take(rate(1, 'a'), START);
    expect(pace.limit(rate(1, 'a'), START)).toMatchObject({ reason: 'PolicyLimit', untilMs: START + MINUTE });
    expect(pace.limit(rate(1, 'b'), START)).toEqual({
      kind: 'limited',
      reason: 'ClusterLimit',
      untilMs: START + 1_000,
    });
    expect(pace.limit(rate(1, 'b'), START + 1_000)).toEqual({ kind: 'free' });
  });
});

describe('a refund', () => {
  test('R6 of the whole token at once, of the part that is not regained later', () => {
    const pace = new EvictionPace(HIGHEST);
    pace.take(rate(60), START);
    pace.refund(rate(60), START, START);
    expect(pace.limit(rate(60), START)).toEqual({ kind: 'free' });
    pace.take(rate(60), START);
    pace.take(rate(60), START + 1_000);
    pace.refund(rate(60), START, START + 1_400);
    expect(pace.limit(rate(60), START + 1_400)).toMatchObject({ untilMs: START + 2_000 });
  });
});

describe('the levels', () => {
  test('R6 a later leader goes on with them, and what was regained in the meantime counts', () => {
    const before = new EvictionPace(1);
    before.take(rate(2), START);
    const levels = before.snapshot(START + 10_000);
    expect(levels).toEqual({ cluster: 50_000, policies: { default: 20_000 } });
    const after = new EvictionPace(1);
    after.restore(levels, 0, 5_000);
    expect(after.limit(rate(2), 0)).toEqual({ kind: 'limited', reason: 'PolicyLimit', untilMs: 15_000 });
    expect(after.limit(rate(2), 15_000)).toEqual({ kind: 'limited', reason: 'ClusterLimit', untilMs: 45_000 });
    expect(after.limit(rate(2), 45_000)).toEqual({ kind: 'free' });
  });

  test('R6 full buckets are not part of them, and are dropped', () => {
    const pace = new EvictionPace(60);
    expect(pace.snapshot(START)).toEqual({ policies: {} });
    for (let index = 0; index < 10; index += 1) pace.take(rate(60, `p${index}`), START);
    expect(pace.policies).toBe(10);
    pace.take(rate(60, 'late'), START + MINUTE);
    expect(pace.policies).toBe(1);
    expect(pace.snapshot(START + 2 * MINUTE)).toEqual({ policies: {} });
  });

  test('R6 a level that no bucket can have delays evictions by a minute at most', () => {
    const pace = new EvictionPace(60);
    pace.restore({ cluster: 1e15, policies: { default: 1e15 } }, START, -1e15);
    expect(pace.limit(rate(1), START + MINUTE)).toEqual({ kind: 'free' });
  });
});

type Step = { readonly policy: number; readonly afterMs: number; readonly refundAfterMs?: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record(
    { policy: fc.nat(2), afterMs: fc.oneof(fc.constant(0), fc.nat(3_000)), refundAfterMs: fc.nat(3_000) },
    { requiredKeys: ['policy', 'afterMs'] },
  ),
  { maxLength: 120 },
);

/** The largest number of these times within any window of this length. */
function countMost(times: readonly number[], windowMs: number): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}

describe('in any sequence of evictions, refunds and new leaders', () => {
  const rates = fc.record({ policy: fc.integer({ min: 1, max: 400 }), cluster: fc.integer({ min: 1, max: 400 }) });

  test('R6 no window has more requests than the burst and the rate allow, and no minute more than the maximum', () => {
    fc.assert(
      fc.property(steps, rates, fc.integer({ min: 1, max: MINUTE }), fc.nat(120), (sequence, max, windowMs, change) => {
        let pace = new EvictionPace(max.cluster);
        let now = START;
        const sent: { readonly policy: number; readonly atMs: number }[] = [];
        const unsent: { readonly of: PolicyRate; readonly atMs: number; readonly dueMs: number }[] = [];
        for (const [index, { policy, afterMs, refundAfterMs }] of sequence.entries()) {
          now += afterMs;
          for (const { of, atMs } of unsent.filter(({ dueMs }) => dueMs <= now)) pace.refund(of, atMs, now);
          unsent.splice(0, unsent.length, ...unsent.filter(({ dueMs }) => dueMs > now));
          if (index === change) {
            const levels = pace.snapshot(now);
            pace = new EvictionPace(max.cluster);
            pace.restore(levels, now);
          }
          const of = rate(max.policy, `p${policy}`);
          if (pace.limit(of, now).kind === 'limited') continue;
          pace.take(of, now);
          if (refundAfterMs === undefined) sent.push({ policy, atMs: now });
          else unsent.push({ of, atMs: now, dueMs: now + refundAfterMs });
        }
        const check = (times: readonly number[], maxPerMinute: number): void => {
          const burst = getBurst(maxPerMinute);
          const allowed = burst + ((maxPerMinute - burst + 1) * windowMs) / MINUTE;
          expect(countMost(times, windowMs)).toBeLessThanOrEqual(Math.ceil(allowed));
          expect(countMost(times, MINUTE)).toBeLessThanOrEqual(maxPerMinute);
        };
        check(
          sent.map(({ atMs }) => atMs),
          max.cluster,
        );
        for (const policy of [0, 1, 2]) {
          check(
            sent.filter((each) => each.policy === policy).map(({ atMs }) => atMs),
            max.policy,
          );
        }
      }),
    );
  });
});
