import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import fc from 'fast-check';
import { PriorityWaitlist } from './priority-waitlist.ts';
import { TokenBucket } from './token-bucket.ts';

const PRIORITIES = ['urgent', 'later'] as const;
const EVERY_MS = 100;
const RATE = { perSecond: 1_000 / EVERY_MS, burst: 1 };
const MAX_WAIT_MS = 1_000;

function start() {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1, 0);
  const reserve = (): Promise<number> => Promise.resolve(bucket.reserve(RATE, clock.monotonic(), MAX_WAIT_MS));
  const list = new PriorityWaitlist({ clock, priorities: PRIORITIES, reserve, maxWaitMs: MAX_WAIT_MS });
  return { clock, bucket, list };
}

const { signal: never } = new AbortController();

describe('the priority waitlist', () => {
  test('grants permits at the rate, the most urgent first and each in the order of arrival; an aborted wait costs none', async () => {
    const waiter = fc.record({
      gapMs: fc.nat(150),
      priority: fc.constantFrom(...PRIORITIES),
      abortAfterMs: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(waiter, { maxLength: 15 }), async (waiters) => {
        const { clock, list } = start();
        const waiting: { readonly at: number; readonly urgent: boolean }[] = [];
        const grantedAt: number[] = [];
        const all = waiters.map(async ({ priority, abortAfterMs }, at) => {
          await clock.sleep(1 + waiters.slice(0, at + 1).reduce((sum, { gapMs }) => sum + gapMs, 0));
          const stop = new AbortController();
          if (abortAfterMs !== undefined)
            void clock.sleep(abortAfterMs).then(() => {
              stop.abort();
            });
          const me = { at, urgent: priority === 'urgent' };
          waiting.push(me);
          const { kind } = await list.acquire(priority, stop.signal);
          expect(kind === 'aborted').toBe(kind !== 'acquired');
          if (kind === 'acquired') {
            grantedAt.push(clock.monotonic());
            const isAheadOf = (other: typeof me): boolean =>
              me.urgent === other.urgent ? me.at <= other.at : me.urgent;
            expect(waiting.filter((other) => !isAheadOf(other))).toEqual([]);
          }
          waiting.splice(waiting.indexOf(me), 1);
        });
        await clock.advance(20_000);
        await Promise.all(all);
        for (const [at, time] of grantedAt.slice(1).entries()) {
          expect(time - (grantedAt[at] ?? 0)).toBeGreaterThanOrEqual(EVERY_MS - 0.001);
        }
        expect([list.size, clock.sleeping]).toEqual([0, []]);
      }),
      { numRuns: 60 },
    );
  });

  test('all are rejected when the next permit is further away than the longest wait', async () => {
    const { clock, bucket, list } = start();
    for (let at = 0; at < 12; at += 1) bucket.reserve(RATE, 0);
    const outcomes = Promise.all(PRIORITIES.map((priority) => list.acquire(priority, never)));
    await clock.advance(0);
    expect(await outcomes).toEqual([
      { kind: 'rejected', waitMs: 1_200 },
      { kind: 'rejected', waitMs: 1_200 },
    ]);
  });

  test('the last waiter that gives up leaves no timer behind', async () => {
    const { clock, list } = start();
    await list.acquire('later', never);
    const stop = new AbortController();
    const outcome = list.acquire('later', stop.signal);
    await clock.untilSleeping();
    stop.abort();
    expect(await outcome).toEqual({ kind: 'aborted' });
    await clock.advance(0);
    expect([list.size, clock.sleeping]).toEqual([0, []]);
    expect(await list.acquire('later', AbortSignal.abort())).toEqual({ kind: 'aborted' });
  });

  test('K5 a waiter that arrives when the last one gives up does not get a permit that is not valid yet', async () => {
    const { clock, list } = start();
    await list.acquire('later', never);
    const stop = new AbortController();
    const givesUp = list.acquire('later', stop.signal);
    await clock.untilSleeping();
    stop.abort();
    const grantedAt = list.acquire('later', never).then(({ kind }) => `${kind} at ${clock.monotonic()}`);
    await clock.advance(1_000);
    // The permit of 100 ms expires with the waiter that gave up.
    expect([await givesUp, await grantedAt]).toEqual([{ kind: 'aborted' }, 'acquired at 200']);
    expect([list.size, clock.sleeping]).toEqual([0, []]);
  });

  test('a more urgent waiter that arrives while a permit is reserved gets it', async () => {
    const { clock, list } = start();
    const order: string[] = [];
    const acquire = async (name: string, priority: (typeof PRIORITIES)[number]): Promise<void> => {
      await list.acquire(priority, never);
      order.push(`${name} ${clock.monotonic()}`);
    };
    await acquire('first', 'later');
    const all = [acquire('second', 'later')];
    await clock.untilSleeping();
    all.push(acquire('third', 'urgent'));
    await clock.advance(1_000);
    await Promise.all(all);
    expect(order).toEqual(['first 0', 'third 100', 'second 200']);
  });
});
