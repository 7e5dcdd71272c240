import { describe, expect, test } from '@jest/globals';
import { AuditQueue } from './audit-queue.ts';

const setUp = () => {
  const outcomes: string[] = [];
  const queue = new AuditQueue({ onOutcome: (outcome) => outcomes.push(outcome) });
  const waiting: (() => void)[] = [];
  /** A task that ends when told. */
  const held = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const release = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { queue, outcomes, held, release, running: () => waiting.length };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('AuditQueue', () => {
  test('PL10 a task begins after the answer: not before the turn of the event loop is over', async () => {
    const { queue, outcomes } = setUp();
    let begun = false;
    queue.offer(() => {
      begun = true;
      return Promise.resolve();
    });
    await Promise.resolve();
    expect(begun).toBe(false);
    await turn();
    await turn();
    expect([begun, outcomes]).toEqual([true, ['done']]);
  });

  test('eight at a time, the others wait for their turn', async () => {
    const { queue, outcomes, held, release, running } = setUp();
    for (let i = 0; i < 20; i += 1) queue.offer(held);
    await turn();
    expect(running()).toBe(8);
    while (outcomes.length < 20) {
      release();
      await turn();
      expect(running()).toBeLessThanOrEqual(8);
    }
    expect(new Set(outcomes)).toEqual(new Set(['done']));
  });

  test('a burst beyond its bound is dropped and counted', () => {
    const { queue, outcomes, held } = setUp();
    for (let i = 0; i < 1_010; i += 1) queue.offer(held);
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => 'dropped'));
  });

  test('a task that fails is counted, and the next one runs', async () => {
    const { queue, outcomes } = setUp();
    queue.offer(() => Promise.reject(new Error('no')));
    queue.offer(() => Promise.resolve());
    await turn();
    await turn();
    expect(outcomes.sort()).toEqual(['done', 'failed']);
  });

  test('close tells running tasks, drops waiting ones and takes no more', async () => {
    const { queue, outcomes } = setUp();
    const told: boolean[] = [];
    const untilTold = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          told.push(true);
          resolve();
        });
      });
    for (let i = 0; i < 10; i += 1) queue.offer(untilTold);
    await turn();
    await queue.close();
    queue.offer(untilTold);
    expect(told).toHaveLength(8);
    expect(outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(3);
  });
});
