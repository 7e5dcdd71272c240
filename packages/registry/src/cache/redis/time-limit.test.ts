import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { TimeLimit } from './time-limit.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const late = { kind: 'late' };

let clock: FakeClock;
let limit: TimeLimit;

beforeEach(() => {
  clock = new FakeClock();
  limit = new TimeLimit(clock, 50);
});

describe('the time that commands have', () => {
  test('gives what comes in time, with one timer for all, which ends when nobody waits', async () => {
    const all = [1, 2, 3].map((value) => limit.within(Promise.resolve(value)));
    expect(await Promise.all(all)).toEqual([1, 2, 3].map((value) => ({ kind: 'done', value })));
    expect(clock.sleeping).toEqual([50]);
    await clock.advance(50);
    expect(clock.sleeping).toEqual([]);
  });

  test('throws what is thrown in time', async () => {
    await expect(limit.within(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('K7 each is late after its own time, and later failures are nobody’s', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const lateAt: number[] = [];
    const wait = async (waits: Promise<never>): Promise<void> => {
      expect(await limit.within(waits)).toEqual(late);
      lateAt.push(clock.monotonic());
    };
    const first = wait(work);
    await clock.advance(20);
    const second = wait(never());
    await clock.advance(20);
    const third = wait(never());
    // Each in a turn of its own: what a late one does next happens at its time.
    for (let ms = 0; ms < 60; ms += 1) await clock.advance(1);
    await Promise.all([first, second, third]);
    expect(lateAt).toEqual([50, 70, 90]);
    fail(new Error('too late to matter'));
  });

  test('K7 what is waited for after a time without any has all of its time', async () => {
    await limit.within(Promise.resolve(1));
    await clock.advance(30);
    const waited = limit.within(never());
    await clock.advance(49);
    expect(clock.sleeping).toEqual([1]);
    await clock.advance(1);
    expect(await waited).toEqual(late);
    const again = limit.within(never());
    expect(clock.sleeping).toEqual([50]);
    await clock.advance(50);
    expect(await again).toEqual(late);
  });

  test('after a stall, an answer that has arrived counts although the time is over', async () => {
    let ring: () => void = () => undefined;
    const stalled = {
      now: () => 0,
      monotonic: () => elapsed,
      sleep: () => new Promise<void>((resolve) => (ring = resolve)),
    };
    let elapsed = 0;
    let answer: (value: string) => void = () => undefined;
    const waited = new TimeLimit(stalled, 50).within(new Promise<string>((resolve) => (answer = resolve)));
    elapsed = 60;
    // The timers' turn comes before the sockets': what the process finds when it runs again.
    ring();
    for (let microtasks = 0; microtasks < 20; microtasks += 1) await Promise.resolve();
    answer('in time');
    expect(await waited).toEqual({ kind: 'done', value: 'in time' });
  });

  test('when closed, nobody waits and no timer is left', async () => {
    const waited = limit.within(never());
    limit.close();
    expect(await waited).toEqual(late);
    expect(await limit.within(never())).toEqual(late);
    expect(clock.sleeping).toEqual([]);
  });
});
