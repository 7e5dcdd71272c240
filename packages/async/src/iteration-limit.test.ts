import { describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from './event-loop.ts';
import { IterationLimit } from './iteration-limit.ts';

describe('a limit per iteration of the event loop', () => {
  /** Starts pieces of work of tenants, named `tenant number`, and returns in which iteration each of them started. */
  const startsByIteration = async (
    limit: IterationLimit,
    pieces: readonly string[],
    iterations: number,
  ): Promise<string[][]> => {
    let started: string[] = [];
    for (const piece of pieces) {
      const [tenant = ''] = piece.split(' ');
      const start = limit.next(tenant);
      if (start === undefined) started.push(piece);
      else void start.then(() => started.push(piece));
    }
    const byIteration = [started];
    for (let i = 1; i < iterations; i += 1) {
      started = [];
      byIteration.push(started);
      await yieldToEventLoop();
    }
    return byIteration;
  };

  test('starts at most so many pieces of work in each iteration, in order', async () => {
    const pieces = ['a 1', 'a 2', 'a 3', 'a 4', 'a 5'];
    expect(await startsByIteration(new IterationLimit(2), pieces, 4)).toEqual([
      ['a 1', 'a 2'],
      ['a 3', 'a 4'],
      ['a 5'],
      [],
    ]);
  });

  test('serves tenants that wait round-robin', async () => {
    const pieces = ['a 1', 'a 2', 'a 3', 'a 4', 'b 1', 'b 2'];
    expect(await startsByIteration(new IterationLimit(1), pieces, 6)).toEqual([
      ['a 1'],
      ['a 2'],
      ['b 1'],
      ['a 3'],
      ['b 2'],
      ['a 4'],
    ]);
  });

  test('work that arrives while other work waits does not overtake it', async () => {
    const limit = new IterationLimit(1);
    const order: string[] = [];
    expect(limit.next('a')).toBeUndefined();
    const second = limit.next('a')?.then(() => order.push('second'));
    await yieldToEventLoop();
    const third = limit.next('b')?.then(() => order.push('third'));
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
  });

  test('an iteration after an idle time is empty again', async () => {
    const limit = new IterationLimit(1);
    expect(limit.next('a')).toBeUndefined();
    await yieldToEventLoop();
    await yieldToEventLoop();
    expect(limit.next('a')).toBeUndefined();
  });
});
