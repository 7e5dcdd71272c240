import { describe, expect, test } from '@jest/globals';
import { ResyncProgress } from './progress.ts';

function rig() {
  const progress = new ResyncProgress();
  const completions: number[] = [];
  progress.subscribe((atMs) => completions.push(atMs));
  const resync = (keys: readonly string[], nowMs: number): void => {
    progress.open();
    for (const key of keys) progress.add(key);
    progress.close(nowMs);
  };
  return { progress, completions, resync };
}

describe('a resync of all pods', () => {
  test('is complete when the last pod has been evaluated', () => {
    const { progress, completions, resync } = rig();
    resync(['a', 'b'], 1);
    expect(progress.completedAtMs).toBeUndefined();
    progress.evaluated('a', 2);
    progress.evaluated('x', 2);
    expect([progress.completedAtMs, completions]).toEqual([undefined, []]);
    progress.evaluated('b', 3);
    expect([progress.completedAtMs, completions]).toEqual([3, [3]]);
  });

  test('is not complete before all of its pods have been added', () => {
    const { progress, completions, resync } = rig();
    progress.open();
    progress.add('a');
    progress.evaluated('a', 1);
    expect(completions).toEqual([]);
    // Another resync starts meanwhile: both complete together.
    resync(['b'], 2);
    progress.evaluated('b', 3);
    expect([completions, progress.completedAtMs]).toEqual([[], undefined]);
    progress.close(4);
    expect([completions, progress.completedAtMs]).toEqual([[4], 4]);
  });

  test('is renewed when an interval has passed and every pod that was due in it has been evaluated', () => {
    const { progress, completions, resync } = rig();
    resync([], 1);
    progress.due('a');
    progress.due('b');
    progress.evaluated('a', 2);
    progress.renew(100);
    expect(progress.completedAtMs).toBe(1);
    // The evaluation of the last due pod does not complete it: the end of the interval does.
    progress.evaluated('b', 101);
    expect(progress.completedAtMs).toBe(1);
    progress.renew(102);
    expect([progress.completedAtMs, completions]).toEqual([102, [1, 102]]);
  });

  test('of no pods is complete at once', () => {
    const { progress, completions, resync } = rig();
    resync([], 7);
    expect([progress.completedAtMs, completions]).toEqual([7, [7]]);
  });

  test('is not renewed while pods have not been evaluated', () => {
    const { progress, resync } = rig();
    resync([], 1);
    resync(['a'], 2);
    progress.renew(3);
    expect(progress.completedAtMs).toBe(1);
    progress.evaluated('a', 4);
    progress.renew(5);
    expect(progress.completedAtMs).toBe(5);
  });
});
