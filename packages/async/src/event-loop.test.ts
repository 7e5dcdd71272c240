import { describe, expect, test } from '@jest/globals';
import { PeriodicYield, yieldToEventLoop } from './event-loop.ts';

describe('yielding to the event loop', () => {
  test('lets callbacks of the event loop run', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('callback'));
    await Promise.resolve().then(() => order.push('microtask'));
    await yieldToEventLoop();
    expect([...order, 'after']).toEqual(['microtask', 'callback', 'after']);
  });
});

describe('a periodic yield', () => {
  /** Returns after how many units each yield is due. */
  const runs = async (yields: PeriodicYield, costs: readonly number[]): Promise<number[]> => {
    const passed: number[] = [];
    let units = 0;
    for (const cost of costs) {
      units += cost;
      const due = yields.count(cost);
      if (due === undefined) continue;
      passed.push(units);
      units = 0;
      await due;
    }
    return passed;
  };

  test('is due once per number of units', async () => {
    expect(await runs(new PeriodicYield(3), Array<number>(10).fill(1))).toEqual([3, 3, 3]);
    expect(await runs(new PeriodicYield(100), [60, 60, 10, 300, 99, 1])).toEqual([120, 310, 100]);
  });

  test('workers that share an instance wait for the same turn of the event loop', async () => {
    const yields = new PeriodicYield(2);
    expect(yields.count()).toBeUndefined();
    const [one, other] = [yields.count(), yields.count()];
    expect([one instanceof Promise, other === one]).toEqual([true, true]);
    await one;
    expect(yields.count()).toBeUndefined();
  });
});
