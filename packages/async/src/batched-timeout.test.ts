import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import fc from 'fast-check';
import { BatchedTimeout } from './batched-timeout.ts';

const MS = 50;
const never = (): Promise<never> => new Promise(() => undefined);
const timedOut = { kind: 'timed-out' };

interface Wait {
  readonly workMs: number;
  readonly limitMs: number;
  readonly fails: boolean;
}

let clock: FakeClock;
let timeout: BatchedTimeout;

beforeEach(() => {
  clock = new FakeClock();
  timeout = new BatchedTimeout({ clock, shareMs: 10 });
});

describe('waits with deadlines of their own', () => {
  test('return results that arrive in time, with one timer for all, which ends when nothing is pending', async () => {
    const all = [1, 2, 3].map((value) => timeout.wait(Promise.resolve(value), MS));
    expect(await Promise.all(all)).toEqual([1, 2, 3].map((value) => ({ kind: 'done', value })));
    expect(clock.sleeping).toEqual([50]);
    await clock.advance(50);
    expect(clock.sleeping).toEqual([]);
  });

  test('throw errors that are thrown in time', async () => {
    await expect(timeout.wait(Promise.reject(new Error('no')), MS)).rejects.toThrow('no');
  });

  test('each ends with its work or at its deadline, whichever comes first, and there is never a second timer', async () => {
    const script = fc.array(
      fc.record({
        gapMs: fc.nat(30),
        workMs: fc.integer({ min: 1, max: 99 }),
        limitMs: fc.integer({ min: 1, max: 99 }),
        fails: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(script, async (waits) => {
        clock = new FakeClock();
        timeout = new BatchedTimeout({ clock });
        const all: Promise<void>[] = [];
        let [works, atMs] = [0, 0];
        const tick = async (): Promise<void> => {
          await clock.advance(1);
          atMs += 1;
          expect(clock.sleeping.length - works).toBeLessThanOrEqual(1);
        };
        const wait = async ({ workMs, limitMs, fails }: Wait): Promise<void> => {
          const startedAt = atMs;
          works += 1;
          const work = clock.sleep(workMs).then(() => {
            works -= 1;
            if (fails) throw new Error('failed');
          });
          const { kind } = await timeout.wait(work, startedAt + limitMs).catch(() => ({ kind: 'failed' }));
          const took = clock.monotonic() - startedAt;
          // If result and deadline fall due at the same time, either may win.
          expect(took).toBe(Math.min(workMs, limitMs));
          if (workMs !== limitMs) expect(kind).toBe(workMs > limitMs ? 'timed-out' : fails ? 'failed' : 'done');
        };
        for (const it of waits) {
          for (let ms = 0; ms < it.gapMs; ms += 1) await tick();
          all.push(wait(it));
        }
        for (let ms = 0; ms < 100; ms += 1) await tick();
        await Promise.all(all);
        await clock.advance(100);
        expect(clock.sleeping).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test('after a stall, a result that has arrived counts although the deadline has passed', async () => {
    let wake: () => void = () => undefined;
    let elapsed = 0;
    const stalled = { monotonic: () => elapsed, sleep: () => new Promise<void>((resolve) => (wake = resolve)) };
    let answer: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => (answer = resolve));
    const waiting = new BatchedTimeout({ clock: stalled }).wait(work, MS);
    elapsed = 60;
    // Node runs timers before sockets, so a stalled process sees the timeout first.
    wake();
    for (let microtasks = 0; microtasks < 20; microtasks += 1) await Promise.resolve();
    answer('in time');
    expect(await waiting).toEqual({ kind: 'done', value: 'in time' });
  });

  test('when closed, all time out, later ones too, and no timer is left', async () => {
    const waiting = timeout.wait(never(), clock.monotonic() + MS);
    timeout.close();
    expect(await waiting).toEqual(timedOut);
    expect(await timeout.wait(never(), clock.monotonic() + MS)).toEqual(timedOut);
    expect(clock.sleeping).toEqual([]);
  });

  test('closing between the deadline and the next turn of the event loop leaves no timer', async () => {
    const waiting = timeout.wait(never(), clock.monotonic() + MS);
    const advanced = clock.advance(50);
    void clock.sleep(50).then(() => {
      timeout.close();
    });
    await advanced;
    expect(await waiting).toEqual(timedOut);
    expect(clock.sleeping).toEqual([]);
  });
});

describe('signals with deadlines of their own', () => {
  test('are shared by requests within the given time, and abort on time', async () => {
    const first = timeout.signal(clock.monotonic() + MS);
    await clock.advance(9);
    expect(timeout.signal(clock.monotonic() + MS)).toBe(first);
    await clock.advance(1);
    const second = timeout.signal(clock.monotonic() + MS);
    expect(second).not.toBe(first);
    await clock.advance(39);
    expect([first.aborted, second.aborted, clock.sleeping]).toEqual([false, false, [1]]);
    // The abort comes in the turn of the event loop after the timer.
    for (const ms of [1, 0]) await clock.advance(ms);
    expect([first.aborted, second.aborted]).toEqual([true, false]);
    for (const ms of [10, 0]) await clock.advance(ms);
    expect([second.aborted, clock.sleeping]).toEqual([true, []]);
  });

  test('all abort when it is closed, and later ones are aborted from the start', async () => {
    const first = timeout.signal(clock.monotonic() + MS);
    await clock.advance(10);
    const second = timeout.signal(clock.monotonic() + MS);
    expect([first.aborted, second.aborted]).toEqual([false, false]);
    timeout.close();
    expect([first.aborted, second.aborted, timeout.signal(clock.monotonic() + MS).aborted]).toEqual([true, true, true]);
    expect(clock.sleeping).toEqual([]);
  });
});
