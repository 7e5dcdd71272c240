import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { startTimer, systemClock } from './clock.ts';

describe('the system clock', () => {
  test('sleeps, and never goes back', async () => {
    const clock = systemClock();
    const before = clock.monotonic();
    await clock.sleep(1);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(before);
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(60_000);
  });

  test('an aborted sleep rejects with the reason, before and during', async () => {
    const clock = systemClock();
    await expect(clock.sleep(60_000, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    const controller = new AbortController();
    const sleep = clock.sleep(60_000, controller.signal);
    controller.abort(new Error('during'));
    await expect(sleep).rejects.toThrow('during');
  });

  test('a sleep leaves no listener behind', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    // The part of a signal that a clock uses. A real signal does not show how many listeners it has.
    const counted = {
      get aborted() {
        return signal.aborted;
      },
      addEventListener: () => (listeners += 1),
      removeEventListener: () => (listeners -= 1),
    } as unknown as AbortSignal;
    await systemClock().sleep(1, counted);
    expect(listeners).toBe(0);
  });
});

describe('a timer', () => {
  test('elapses once', async () => {
    const clock = new FakeClock();
    const elapsed: number[] = [];
    startTimer(clock, 50, () => elapsed.push(clock.monotonic()));
    await clock.advance(200);
    expect(elapsed).toEqual([50]);
  });

  test('that is stopped does not elapse, not even when its time has come in the same turn', async () => {
    const clock = new FakeClock();
    let elapsed = 0;
    const stops = [50, 60].map((ms) => startTimer(clock, ms, () => (elapsed += 1)));
    stops[0]?.();
    const advanced = clock.advance(60);
    void clock.sleep(60).then(() => stops[1]?.());
    await advanced;
    expect([elapsed, clock.sleeping]).toEqual([1, []]);
    let wake: () => void = () => undefined;
    const stop = startTimer({ sleep: () => new Promise<void>((resolve) => (wake = resolve)) }, 1, () => (elapsed += 1));
    wake();
    stop();
    await Promise.resolve();
    expect(elapsed).toBe(1);
  });
});
