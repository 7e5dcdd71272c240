import { describe, expect, test } from '@jest/globals';
import { FakeClock } from './fake-clock.ts';

describe('the fake clock', () => {
  test('wakes sleepers in the order of their due times, each at its time', async () => {
    const clock = new FakeClock(1_000);
    const woken: string[] = [];
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      woken.push(`${name} at ${clock.monotonic()}, ${clock.now()}`);
    };
    const all = [sleep('late', 300), sleep('early', 100), sleep('middle', 200), sleep('later', 301)];
    expect(clock.sleeping).toEqual([100, 200, 300, 301]);
    await clock.advance(300);
    expect(woken).toEqual(['early at 100, 1100', 'middle at 200, 1200', 'late at 300, 1300']);
    expect(clock.sleeping).toEqual([1]);
    await clock.advance(1);
    await Promise.all(all);
  });

  test('wakes a sleeper that sleeps again within the advance', async () => {
    const clock = new FakeClock();
    const woken: number[] = [];
    const loop = (async () => {
      while (woken.length < 4) {
        await clock.sleep(250);
        woken.push(clock.monotonic());
      }
    })();
    await clock.advance(1_000);
    expect(woken).toEqual([250, 500, 750, 1_000]);
    await loop;
  });

  test('removes an aborted sleep, which throws the reason', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const sleep = clock.sleep(100, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    await expect(clock.sleep(100, controller.signal)).rejects.toThrow('enough');
    expect(clock.sleeping).toEqual([]);
  });

  test('resolves untilSleeping once a sleep matches', async () => {
    const clock = new FakeClock();
    const waiting = clock.untilSleeping((ms) => ms > 50);
    const sleeps = [clock.sleep(10), clock.sleep(60)];
    await waiting;
    await clock.advance(60);
    await Promise.all(sleeps);
  });

  test('wakes no sleeper at a jump', async () => {
    const clock = new FakeClock();
    const sleep = clock.sleep(10);
    clock.jump(20);
    expect(clock.sleeping).toEqual([-10]);
    await clock.advance(0);
    await sleep;
    expect(clock.monotonic()).toBe(20);
  });

  test('steps its wall clock without waking sleepers', async () => {
    const clock = new FakeClock(1_000);
    const sleep = clock.sleep(10);
    clock.stepWallClock(-500);
    expect([clock.now(), clock.monotonic(), clock.sleeping]).toEqual([500, 0, [10]]);
    await clock.advance(10);
    await sleep;
    expect(clock.now()).toBe(510);
  });
});
