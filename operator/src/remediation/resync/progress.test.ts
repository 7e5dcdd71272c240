import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { ResyncProgress } from './progress.ts';

function rig() {
  const clock = new FakeClock(0);
  const progress = new ResyncProgress(clock);
  const completions: number[] = [];
  progress.subscribe((atMs) => completions.push(atMs));
  /** Continues at this time of the clock. */
  const at = (ms: number): ResyncProgress => {
    clock.jump(ms - clock.monotonic());
    return progress;
  };
  const resync = (keys: readonly string[]): void => {
    progress.open();
    for (const key of keys) progress.add(key);
    progress.close();
  };
  return { clock, progress, completions, at, resync };
}

describe('a resync of all pods', () => {
  test('is complete when the last pod has been evaluated', () => {
    const { progress, completions, at, resync } = rig();
    resync(['a', 'b']);
    expect(progress.completedAtMs).toBeUndefined();
    at(2).evaluated('a');
    progress.evaluated('x');
    expect([progress.completedAtMs, completions]).toEqual([undefined, []]);
    at(3).evaluated('b');
    expect([progress.completedAtMs, completions]).toEqual([3, [3]]);
  });

  test('is not complete before all of its pods have been added', () => {
    const { progress, completions, at, resync } = rig();
    progress.open();
    progress.add('a');
    progress.evaluated('a');
    expect(completions).toEqual([]);
    // Another resync starts meanwhile: both complete together.
    resync(['b']);
    at(3).evaluated('b');
    expect([completions, progress.completedAtMs]).toEqual([[], undefined]);
    at(4).close();
    expect([completions, progress.completedAtMs]).toEqual([[4], 4]);
  });

  test('of no pods is complete at once', () => {
    const { progress, completions, at, resync } = rig();
    at(7);
    resync([]);
    expect([progress.completedAtMs, completions]).toEqual([7, [7]]);
  });
});

describe('a recheck interval', () => {
  test('is complete when every pod that was due in it has been evaluated, although pods of the next are due', () => {
    const { progress, completions, at, resync } = rig();
    at(1);
    resync([]);
    progress.due('a');
    progress.due('b');
    progress.evaluated('a');
    at(100).endInterval();
    progress.due('a');
    progress.due('c');
    expect(progress.completedAtMs).toBe(1);
    at(101).evaluated('b');
    expect([progress.completedAtMs, completions]).toEqual([101, [1, 101]]);
    progress.evaluated('a');
    progress.evaluated('c');
    at(200).endInterval();
    expect([progress.completedAtMs, completions]).toEqual([200, [1, 101, 200]]);
  });

  test('is not complete before a pod whose evaluation fails, however many intervals end', () => {
    const { progress, completions, at, resync } = rig();
    resync([]);
    progress.due('a');
    for (const ms of [100, 200, 300]) {
      at(ms).endInterval();
      progress.due('b');
      progress.evaluated('b');
    }
    expect(completions).toEqual([0]);
    at(301).evaluated('a');
    expect(completions).toEqual([0, 301]);
  });

  test('is not complete while pods of a resync have not been evaluated, and once only', () => {
    const { progress, completions, at, resync } = rig();
    resync([]);
    resync(['a', 'b']);
    progress.due('a');
    at(3).endInterval();
    expect(completions).toEqual([0]);
    at(4).evaluated('b');
    expect(completions).toEqual([0]);
    at(5).evaluated('a');
    expect(completions).toEqual([0, 5]);
    at(6).endInterval();
    expect(completions).toEqual([0, 5, 6]);
  });

  test('has an age that steps of the wall clock do not change', () => {
    const { clock, progress, at, resync } = rig();
    expect(progress.ageMs).toBeUndefined();
    resync([]);
    at(50);
    clock.stepWallClock(3_600_000);
    expect(progress.ageMs).toBe(50);
  });
});
