import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { within } from './within.ts';

describe('waiting for something, for so long', () => {
  test('gives what comes in time, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    expect(await within(Promise.resolve(7), clock, 50)).toEqual({ kind: 'done', value: 7 });
    expect(clock.sleeping).toEqual([]);
  });

  test('throws what is thrown in time', async () => {
    await expect(within(Promise.reject(new Error('no')), new FakeClock(), 50)).rejects.toThrow('no');
  });

  test('is late after its time, and later failures are nobody’s', async () => {
    const clock = new FakeClock();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waited = within(work, clock, 50);
    await clock.advance(50);
    expect(await waited).toEqual({ kind: 'late' });
    fail(new Error('too late to matter'));
  });

  test('after a stall, an answer that has arrived counts although the time is over', async () => {
    let ring: () => void = () => undefined;
    const clock = { ...idle, sleep: () => new Promise<void>((resolve) => (ring = resolve)) };
    let answer: (value: string) => void = () => undefined;
    const waited = within(new Promise<string>((resolve) => (answer = resolve)), clock, 50);
    // The timers' turn comes before the sockets': what the process finds when it runs again.
    ring();
    for (let microtasks = 0; microtasks < 20; microtasks += 1) await Promise.resolve();
    answer('in time');
    expect(await waited).toEqual({ kind: 'done', value: 'in time' });
  });
});

const idle = { now: () => 0, monotonic: () => 0 };
