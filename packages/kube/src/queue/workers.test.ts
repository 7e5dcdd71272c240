import { describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from '@archpolicy/async';
import { FakeClock } from '@archpolicy/testkit';
import { WorkQueue } from './work-queue.ts';
import { runWorkers } from './workers.ts';
import type { Reconcile } from './workers.ts';

function setUp(reconcile: Reconcile<string>, count = 1) {
  const clock = new FakeClock();
  const queue = new WorkQueue<string>({ clock });
  const stop = new AbortController();
  const failed: string[] = [];
  const observer = { failed: (key: string) => failed.push(key) };
  const finished = runWorkers(queue, count, reconcile, stop.signal, observer);
  return { clock, queue, stop, failed, finished };
}

describe('workers', () => {
  test('reconcile queued keys, as many concurrently as there are workers', async () => {
    const open = new Map<string, () => void>();
    const { queue, stop, finished } = setUp(async (key) => {
      await new Promise<void>((resolve) => open.set(key, resolve));
      return {};
    }, 2);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await yieldToEventLoop();
    expect([...open.keys()]).toEqual(['a', 'b']);
    open.get('a')!();
    await yieldToEventLoop();
    expect([...open.keys()]).toEqual(['a', 'b', 'c']);
    stop.abort();
    let ended = false;
    void finished.then(() => (ended = true));
    await yieldToEventLoop();
    expect(ended).toBe(false); // running reconciles end first
    open.get('b')!();
    open.get('c')!();
    await finished;
    expect(queue.inProgress).toBe(0);
  });

  test('P8 yield to the event loop between keys without I/O', async () => {
    let between = 0;
    let most = 0;
    const { queue, stop, finished } = setUp(() => {
      between += 1;
      most = Math.max(most, between);
      return Promise.resolve({});
    }, 16);
    for (let key = 0; key < 10_000; key += 1) queue.add(`key-${key}`);
    while (queue.length > 0) {
      await yieldToEventLoop();
      between = 0;
    }
    stop.abort();
    await finished;
    // 8 keys, and one that each worker has begun.
    expect(most).toBeLessThanOrEqual(24);
  });

  test('requeue a key after requeueAfterMs', async () => {
    const at: number[] = [];
    const { queue, clock, stop, finished } = setUp(() => {
      at.push(clock.monotonic());
      return Promise.resolve(at.length < 3 ? { requeueAfterMs: 10_000 } : {});
    });
    queue.add('a');
    await clock.advance(60_000);
    expect(at).toEqual([0, 10_000, 20_000]);
    stop.abort();
    await finished;
  });

  test('retry a failed key with back-off, which a success resets', async () => {
    const at: number[] = [];
    const { queue, clock, stop, failed, finished } = setUp(() => {
      at.push(clock.monotonic());
      return at.length < 4 ? Promise.reject(new Error('not yet')) : Promise.resolve({});
    });
    queue.add('a');
    await clock.advance(1_000);
    expect(at).toEqual([0, 5, 15, 35]);
    expect(failed).toEqual(['a', 'a', 'a']);
    expect(queue.countFailures('a')).toBe(0);
    stop.abort();
    await finished;
  });

  test('do not report an error caused by the shutdown', async () => {
    const { queue, stop, failed, clock, finished } = setUp(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('stopped'));
          });
        }),
    );
    queue.add('a');
    await yieldToEventLoop();
    stop.abort();
    await finished;
    expect(failed).toEqual([]);
    expect(clock.sleeping).toEqual([]);
  });
});
