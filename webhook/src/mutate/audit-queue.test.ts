import { describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from '@archpolicy/async';
import { AuditQueue } from './audit-queue.ts';

const SHOP = { namespace: 'shop', bytes: 1 };

const setUp = () => {
  const outcomes: string[] = [];
  const queue = new AuditQueue({ onOutcome: (outcome) => outcomes.push(outcome) });
  const waiting: (() => void)[] = [];
  /** A task that ends after `release`. */
  const held = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const release = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  return { queue, outcomes, held, release, running: () => waiting.length };
};

describe('AuditQueue', () => {
  test('PL10 starts a task after the current event loop turn, and so after the response', async () => {
    const { queue, outcomes } = setUp();
    let begun = false;
    queue.offer(() => {
      begun = true;
      return Promise.resolve();
    }, SHOP);
    await Promise.resolve();
    expect(begun).toBe(false);
    await yieldToEventLoop();
    await yieldToEventLoop();
    expect([begun, outcomes]).toEqual([true, ['done']]);
  });

  test('K5 tasks of one namespace that hang delay no other namespace and do not fill the queue', async () => {
    const { queue, outcomes, held, running } = setUp();
    const huge = { namespace: 'evil', bytes: 3 * 1024 * 1024 };
    for (let i = 0; i < 20; i += 1) queue.offer(held, huge);
    for (let i = 0; i < 1_000; i += 1) queue.offer(held, { ...huge, bytes: 1 });
    await yieldToEventLoop();
    expect(running()).toBe(8);
    const dropped = outcomes.length;
    for (let i = 0; i < 5; i += 1) queue.offer(held, { ...huge, namespace: 'shop' });
    await yieldToEventLoop();
    expect([running(), outcomes.length]).toEqual([8 + 5, dropped]);
  });

  test('runs eight tasks of a namespace at a time and queues the others', async () => {
    const { queue, outcomes, held, release, running } = setUp();
    for (let i = 0; i < 20; i += 1) queue.offer(held, SHOP);
    await yieldToEventLoop();
    expect(running()).toBe(8);
    while (outcomes.length < 20) {
      release();
      await yieldToEventLoop();
      expect(running()).toBeLessThanOrEqual(8);
    }
    expect(new Set(outcomes)).toEqual(new Set(['done']));
  });

  test('drops and counts the tasks above its limit', () => {
    const { queue, outcomes, held } = setUp();
    for (let i = 0; i < 510; i += 1) queue.offer(held, SHOP);
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => 'dropped'));
  });

  test('P8 drops tasks while queued and running ones hold 32 MiB, and accepts them again afterwards', async () => {
    const { queue, outcomes, held, release } = setUp();
    const huge = { namespace: 'shop', bytes: 3 * 1024 * 1024 };
    for (let i = 0; i < 6; i += 1) {
      queue.offer(held, huge);
      queue.offer(held, { ...huge, namespace: 'bank' });
    }
    expect(outcomes).toEqual(['dropped', 'dropped']);
    await yieldToEventLoop();
    release();
    await yieldToEventLoop();
    queue.offer(held, huge);
    expect(outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(2);
  });

  test('counts a task that fails and runs the next one', async () => {
    const { queue, outcomes } = setUp();
    queue.offer(() => Promise.reject(new Error('no')), SHOP);
    queue.offer(() => Promise.resolve(), SHOP);
    await yieldToEventLoop();
    await yieldToEventLoop();
    expect(outcomes.sort()).toEqual(['done', 'failed']);
  });

  test('close aborts running tasks, drops queued ones and accepts no more', async () => {
    const { queue, outcomes } = setUp();
    const aborted: boolean[] = [];
    const untilAborted = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted.push(true);
          resolve();
        });
      });
    for (let i = 0; i < 10; i += 1) queue.offer(untilAborted, SHOP);
    await yieldToEventLoop();
    await queue.close();
    queue.offer(untilAborted, SHOP);
    expect(aborted).toHaveLength(8);
    expect(outcomes.filter((outcome) => outcome === 'dropped')).toHaveLength(3);
  });
});
