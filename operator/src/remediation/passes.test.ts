import { describe, expect, test } from '@jest/globals';
import { Passes } from './passes.ts';

const now = (): number => 7;

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
    passes.begin(['a', 'b'], 1);
    await expect(look('a', Promise.reject(new Error('no answer')))).rejects.toThrow('no answer');
    expect(await look('b', Promise.resolve('looked'))).toBe('looked');
    expect([passes.completedAtMs, told]).toEqual([undefined, []]);
    await look('a', Promise.resolve('looked'));
    expect([passes.completedAtMs, told]).toEqual([7, ['a']]);
  });

  test('is renewed when an interval is over and everyone whose turn came in it has been looked at', () => {
    const passes = new Passes();
    passes.begin([], 1);
    passes.due('a');
    passes.due('b');
    expect([passes.done('a', 2), passes.renew(100), passes.completedAtMs]).toEqual([false, false, 1]);
    // The last one of the periodic pass completes nothing by itself: the interval does.
    expect([passes.done('b', 101), passes.completedAtMs]).toEqual([false, 1]);
    expect([passes.renew(102), passes.completedAtMs]).toEqual([true, 102]);
  });
});
