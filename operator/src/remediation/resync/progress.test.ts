import { describe, expect, test } from '@jest/globals';
import { Passes } from './progress.ts';

const now = (): number => 7;

function begin(passes: Passes, keys: readonly string[], nowMs: number): boolean {
  passes.open();
  for (const key of keys) passes.add(key);
  return passes.close(nowMs);
}

describe('a pass over all pods', () => {
  test('is complete when the last one has been looked at, which one that failed has not', async () => {
    const passes = new Passes();
    const told: string[] = [];
    const look = (key: string, result: Promise<string>): Promise<string> =>
      passes.look(
        key,
        () => result,
        now,
        () => told.push(key),
      );
    begin(passes, ['a', 'b'], 1);
    await expect(look('a', Promise.reject(new Error('no answer')))).rejects.toThrow('no answer');
    expect(await look('b', Promise.resolve('looked'))).toBe('looked');
    expect([passes.completedAtMs, told]).toEqual([undefined, []]);
    await look('a', Promise.resolve('looked'));
    expect([passes.completedAtMs, told]).toEqual([7, ['a']]);
  });

  test('is not complete before all of its pods have been named', () => {
    const passes = new Passes();
    passes.open();
    passes.add('a');
    expect([passes.done('a', 1), passes.completedAtMs]).toEqual([false, undefined]);
    // Another pass is named meanwhile: each is complete only with the other.
    expect([begin(passes, ['b'], 2), passes.done('b', 3)]).toEqual([false, false]);
    expect([passes.close(4), passes.completedAtMs]).toEqual([true, 4]);
  });

  test('is renewed when an interval is over and everyone whose turn came in it has been looked at', () => {
    const passes = new Passes();
    begin(passes, [], 1);
    passes.due('a');
    passes.due('b');
    expect([passes.done('a', 2), passes.renew(100), passes.completedAtMs]).toEqual([false, false, 1]);
    // The last one of the periodic pass completes nothing by itself: the interval does.
    expect([passes.done('b', 101), passes.completedAtMs]).toEqual([false, 1]);
    expect([passes.renew(102), passes.completedAtMs]).toEqual([true, 102]);
  });

  test('is complete when the last one was looked at', () => {
    const passes = new Passes();
    expect(passes.completedAtMs).toBeUndefined();
    begin(passes, ['a', 'b'], 1);
    expect(passes.done('a', 2)).toBe(false);
    expect(passes.done('x', 2)).toBe(false);
    expect(passes.done('b', 3)).toBe(true);
    expect(passes.completedAtMs).toBe(3);
  });

  test('over nothing is complete at once', () => {
    const passes = new Passes();
    begin(passes, [], 7);
    expect(passes.completedAtMs).toBe(7);
  });

  test('is not renewed while pods have not been looked at', () => {
    const passes = new Passes();
    begin(passes, [], 1);
    begin(passes, ['a'], 2);
    passes.renew(3);
    expect(passes.completedAtMs).toBe(1);
    passes.done('a', 4);
    passes.renew(5);
    expect(passes.completedAtMs).toBe(5);
  });
});
