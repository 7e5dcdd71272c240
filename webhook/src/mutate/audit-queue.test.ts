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
    }, 1);
    await Promise.resolve();
    expect(begun).toBe(false);
    await turn();
    await turn();
    expect([begun, outcomes]).toEqual([true, ['done']]);
  });

  test('eight at a time, the others wait for their turn', async () => {
    const { queue, outcomes, held, release, running } = setUp();
    for (let i = 0; i < 20; i += 1) queue.offer(held, 1);
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
    for (let i = 0; i < 1_010; i += 1) queue.offer(held, 1);
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => 'dropped'));
  });

  test('P8 huge pods are dropped when those that wait or run hold 32 MiB, and taken again when they are done', async () => {
    const { queue, outcomes, held, release } = setUp();
    const huge = 3 * 1024 * 1024;
    for (let i = 0; i < 12; i += 1) queue.offer(held, huge);
    expect(outcomes).toEqual(['dropped', 'dropped']);
    await turn();
    release();
    await turn();
    queue.offer(held, huge);
    expect(outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(2);
  });

  test('a task that fails is counted, and the next one runs', async () => {
    const { queue, outcomes } = setUp();
    queue.offer(() => Promise.reject(new Error('no')), 1);
    queue.offer(() => Promise.resolve(), 1);
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
    for (let i = 0; i < 10; i += 1) queue.offer(untilTold, 1);
    await turn();
    await queue.close();
    queue.offer(untilTold, 1);
    expect(told).toHaveLength(8);
    expect(outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(3);
  });
});
