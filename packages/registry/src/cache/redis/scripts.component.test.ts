import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RedisNode } from '@archpolicy/testkit';
import { TokenBucket } from '@archpolicy/async';
import fc from 'fast-check';
import { reserveLocally } from '../../limits/reserve-locally.ts';
import { BLOCK, RESERVE } from './scripts.ts';

const SIX_HOURS_MS = 6 * 3_600_000;
const KEY = 'bucket';

let server: RedisNode;

beforeAll(async () => {
  server = await new RedisNode().start();
});

afterAll(() => server.stop());

beforeEach(() => server.flush());

interface Limit {
  readonly perSecond: number;
  readonly burst: number;
  readonly maxWaitMs: number;
}

/** Runs the script as the store does, with the test's time instead of the server's. */
function take({ perSecond, burst, maxWaitMs }: Limit, nowMs?: number): Promise<unknown> {
  const [seconds, micros] = [Math.floor((nowMs ?? 0) / 1000), ((nowMs ?? 0) % 1000) * 1000];
  // With the test's time, the key must not expire by the server's clock: a bucket is full again after 1 ms or more.
  const script =
    nowMs === undefined
      ? RESERVE
      : RESERVE.replace("redis.call('TIME')", `{${seconds}, ${micros}}`).replace(/^redis\.call\('PEXPIRE'.*$/m, '');
  return server.command('EVAL', script, 1, KEY, perSecond, burst, maxWaitMs, SIX_HOURS_MS);
}

const block = (ms: number): Promise<unknown> => server.command('EVAL', BLOCK, 1, KEY, ms, SIX_HOURS_MS);

const limit: Limit = { perSecond: 2, burst: 3, maxWaitMs: 1_000 };

describe('the scripts of the rate limit', () => {
  test('K5 a bucket in Redis decides like one in memory', async () => {
    const limits = fc.record({
      perSecond: fc.constantFrom(0.005, 0.5, 1, 3, 7, 50, 1_000),
      burst: fc.integer({ min: 1, max: 20 }),
      maxWaitMs: fc.constantFrom(0, 500, 2_000, 60_000),
    });
    const pauses = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.constant(3_600_000)), {
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(limits, pauses, async (bucket, all) => {
        await server.command('DEL', KEY);
        let now = 1_800_000_000_000;
        const local = new TokenBucket(bucket.burst, now);
        for (const pause of all) {
          now += pause;
          expect(await take(bucket, now)).toEqual([reserveLocally(local, bucket, now), 0]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('K6 the key of a bucket expires when it is full again', async () => {
    await take(limit);
    // One of three tokens is taken, so the bucket is full again in half a second.
    expect(await server.command('PTTL', KEY)).toBeGreaterThan(0);
    expect(await server.command('PTTL', KEY)).toBeLessThanOrEqual(500);
    await take({ perSecond: 100 / 21_600, burst: 100, maxWaitMs: 0 });
    expect(await server.command('PTTL', KEY)).toBeGreaterThan(200_000);
    await take({ perSecond: 0.000_001, burst: 100, maxWaitMs: 0 });
    expect(await server.command('PTTL', KEY)).toBeLessThanOrEqual(SIX_HOURS_MS);
  });

  test('K5 a block lasts for its time, and a later shorter one does not shorten it', async () => {
    await block(60_000);
    await block(10);
    const [wait, blocked] = (await take(limit)) as number[];
    expect(wait).toBe(0);
    expect(blocked).toBeGreaterThan(50_000);
    expect(blocked).toBeLessThanOrEqual(60_000);
    expect(await server.command('PTTL', KEY)).toBeGreaterThan(50_000);
    await block(120_000);
    expect(((await take(limit)) as number[])[1]).toBeGreaterThan(110_000);
  });

  test.each([
    ['a string', ['SET', KEY, 'garbage']],
    ['a list', ['RPUSH', KEY, 'garbage']],
    ['fields that are not numbers', ['HSET', KEY, 'tokens', 'many', 'at', 'never', 'until', 'soon']],
    ['a token count that is NaN', ['HSET', KEY, 'tokens', 'nan', 'at', 'nan', 'until', 'nan']],
    ['too many tokens', ['HSET', KEY, 'tokens', '1e300', 'at', '0', 'until', '0']],
    ['an infinite debt', ['HSET', KEY, 'tokens', '-1e300', 'at', '0', 'until', '0']],
    ['infinities', ['HSET', KEY, 'tokens', '-inf', 'at', 'inf', 'until', 'inf']],
    ['a block for years', ['HSET', KEY, 'tokens', '3', 'at', '0', 'until', '99999999999999']],
  ] as const)('K6 %s counts as a full bucket without a block, and expires', async (_, [command, ...args]) => {
    await server.command(command, ...args);
    expect(await take(limit)).toEqual([0, 0]);
    expect(await take(limit)).toEqual([0, 0]);
    expect(await take(limit)).toEqual([0, 0]);
    expect(await take(limit)).not.toEqual([0, 0]);
    expect(await server.command('PTTL', KEY)).toBeGreaterThan(0);
    expect(await server.command('PTTL', KEY)).toBeLessThanOrEqual(SIX_HOURS_MS);
    await server.command('DEL', KEY);
    await server.command(command, ...args);
    await block(60_000);
    expect(((await take(limit)) as number[])[1]).toBeLessThanOrEqual(60_000);
  });
});
