import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '@archpolicy/testkit';
import { DelayHeap } from './delay-heap.ts';
import { RateLimit } from './rate-limit.ts';
import { WorkQueue } from './work-queue.ts';

const signal = new AbortController().signal;

function newQueue(): { readonly queue: WorkQueue<string>; readonly clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, queue: new WorkQueue<string>({ clock }) };
}

/** Processes all ready keys. Returns them in order. */
async function drain(queue: WorkQueue<string>): Promise<readonly string[]> {
  const keys: string[] = [];
  while (queue.length > 0) {
    const key = (await queue.get(signal))!;
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('a work queue', () => {
  test('returns keys in the order of their addition, each once', async () => {
    const { queue } = newQueue();
    for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
    expect(queue.length).toBe(3);
    expect(await drain(queue)).toEqual(['b', 'a', 'c']);
  });

  test('measures how long the oldest ready key has waited, a delayed key from the end of its delay', async () => {
    const { queue, clock } = newQueue();
    const waited: number[] = [queue.oldestReadyMs];
    const measure = () => waited.push(queue.oldestReadyMs);
    queue.add('a');
    queue.addAfter('b', 300);
    await clock.advance(500);
    measure();
    expect(await queue.get(signal)).toBe('a');
    measure();
    queue.add('a');
    await clock.advance(100);
    queue.done('a');
    expect(await queue.get(signal)).toBe('b');
    await clock.advance(50);
    measure();
    await drain(queue);
    measure();
    expect(waited).toEqual([0, 500, 200, 50, 0]);
  });

  test('never returns a key to two workers, and queues a key added meanwhile', async () => {
    const { queue } = newQueue();
    queue.add('a');
    expect(await queue.get(signal)).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    expect(queue.inProgress).toBe(1);
    queue.done('a');
    expect(await drain(queue)).toEqual(['a']);
    expect(queue.inProgress).toBe(0);
  });

  test('passes an added key to a waiting worker at once', async () => {
    const { queue } = newQueue();
    const [first, second] = [queue.get(signal), queue.get(signal)];
    queue.add('a');
    queue.add('b');
    expect([await first, await second]).toEqual(['a', 'b']);
    expect(queue.length).toBe(0);
  });

  test('passes the key to another worker after the signal of the first is aborted', async () => {
    const { queue } = newQueue();
    const controller = new AbortController();
    const leaving = queue.get(controller.signal);
    const staying = queue.get(signal);
    controller.abort();
    expect(await leaving).toBeUndefined();
    expect(await queue.get(controller.signal)).toBeUndefined();
    queue.add('a');
    expect(await staying).toBe('a');
  });

  test('returns delayed keys when due; the shortest of several delays applies', async () => {
    const { queue, clock } = newQueue();
    queue.addAfter('late', 500);
    queue.addAfter('a', 300);
    queue.addAfter('a', 100);
    queue.addAfter('a', 200);
    queue.addAfter('now', 0);
    expect(await drain(queue)).toEqual(['now']);
    expect(queue.delayed).toBe(2);
    await clock.advance(99);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(await drain(queue)).toEqual(['a']);
    await clock.advance(399);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(await drain(queue)).toEqual(['late']);
    expect(clock.sleeping).toEqual([]);
  });

  test('returns failed keys after 5 ms, 10 ms, 20 ms …, until forget', async () => {
    const { queue, clock } = newQueue();
    for (const delay of [5, 10, 20, 40]) {
      queue.addRateLimited('a');
      expect(clock.sleeping).toEqual([delay]);
      await clock.advance(delay);
      await drain(queue);
    }
    expect(queue.countFailures('a')).toBe(4);
    queue.forget('a');
    queue.addRateLimited('a');
    expect(clock.sleeping).toEqual([5]);
    queue.stop();
  });

  test('stop cancels the timer', async () => {
    const { queue, clock } = newQueue();
    queue.addAfter('a', 1_000);
    queue.stop();
    expect(queue.delayed).toBe(0);
    await clock.advance(2_000);
    expect(queue.length).toBe(0);
    expect(clock.sleeping).toEqual([]);
  });

  test('loses no key and gives no key to two workers, for random operations', async () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), key }),
      fc.record({ kind: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constantFrom('get', 'done'), key }),
      fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue, clock } = newQueue();
        const wanted = new Set<string>();
        const working = new Set<string>();
        for (const each of steps) {
          if (each.kind === 'add') {
            queue.add(each.key);
            wanted.add(each.key);
          } else if (each.kind === 'addAfter') {
            queue.addAfter(each.key, each.ms);
            wanted.add(each.key);
          } else if (each.kind === 'advance') {
            await clock.advance(each.ms);
          } else if (each.kind === 'done') {
            if (working.delete(each.key)) queue.done(each.key);
          } else if (queue.length > 0) {
            const taken = (await queue.get(signal))!;
            expect(working.has(taken)).toBe(false);
            working.add(taken);
            wanted.delete(taken);
          }
        }
        for (const each of working) queue.done(each);
        await clock.advance(100);
        const left = new Set(await drain(queue));
        // Each key added after it was last taken is left; an obsolete delay may add a key once more.
        for (const each of wanted) expect(left).toContain(each);
      }),
    );
  });
});

describe('parts of the work queue', () => {
  test('the delay heap returns the earliest item first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (times) => {
        const heap = new DelayHeap<number>();
        times.forEach((dueAt, key) => {
          heap.push({ key, dueAt });
        });
        const popped: number[] = [];
        while (heap.size > 0) popped.push(heap.pop()!.dueAt);
        expect(popped).toEqual([...times].sort((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });

  test('the rate limit of all items is 10 per second after a burst of 100', () => {
    const clock = new FakeClock();
    const limit = new RateLimit<number>({ firstMs: 5, maxMs: 1_000_000, perSecond: 10, burst: 100 }, clock);
    const delays = Array.from({ length: 120 }, (_, key) => limit.nextDelayMs(key));
    expect(delays.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 5));
    expect(delays.slice(100, 103)).toEqual([100, 200, 300]);
    expect(delays.at(-1)).toBe(2_000);
  });

  test('the delay of an item is at most 1000 s', () => {
    const limit = new RateLimit<string>(
      { firstMs: 5, maxMs: 1_000_000, perSecond: 1_000, burst: 1_000 },
      new FakeClock(),
    );
    const delays = Array.from({ length: 30 }, () => limit.nextDelayMs('a'));
    expect(delays.slice(0, 3)).toEqual([5, 10, 20]);
    expect(delays.at(-1)).toBe(1_000_000);
  });
});
