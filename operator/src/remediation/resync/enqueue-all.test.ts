import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { FakeClock } from '@archpolicy/testkit';
import { World } from '../fixtures/world.ts';
import { EnqueueAll } from './enqueue-all.ts';
import { ResyncProgress } from './progress.ts';

/** About 3 µs each, so a slice is far below 100 ms. */
const MAX_PER_SLICE = 5_000;

describe('enqueueing all pods', () => {
  const clock = new FakeClock();
  const world = new World(clock);
  let progress: ResyncProgress;
  let queued: string[];
  /** How many of them the workers have processed. */
  let taken: number;
  let stop: AbortController;
  let visited: number;
  let completions: number;

  beforeEach(() => {
    world.pods.clear();
    progress = new ResyncProgress(clock);
    queued = [];
    taken = 0;
    stop = new AbortController();
    visited = 0;
    completions = 0;
  });

  afterEach(() => {
    stop.abort();
  });

  function* entries(): ReturnType<typeof world.pods.entries> {
    for (const entry of world.pods) {
      visited += 1;
      yield entry;
    }
  }

  const enqueueAll = (): EnqueueAll => {
    progress.subscribe(() => {
      completions += 1;
    });
    return new EnqueueAll({
      pods: { entries },
      progress,
      queue: {
        get length() {
          return queued.length - taken;
        },
        add: (key) => queued.push(key),
      },
      clock,
    });
  };

  const addReady = (count: number): void => {
    const ready = { value: true, sinceMs: 0 };
    for (let at = 0; at < count; at += 1) world.add(`web-${at}`, { containers: [], ready });
  };

  /** Runs until `count` pods have been queued; the workers process the queue after each slice. */
  const until = async (count: number, onSlice: (visited: number) => void = () => undefined): Promise<void> => {
    while (queued.length < count) {
      const before = visited;
      await yieldToEventLoop();
      onSlice(visited - before);
      taken = queued.length;
      await clock.advance(10);
    }
  };

  test('begins with the pods that are most likely misplaced', async () => {
    world.add('ready', { containers: [], ready: { value: true, sinceMs: 0 } });
    world.add('not-ready', { containers: [] });
    world.add('crashed');
    void enqueueAll().run(stop.signal);
    await until(3);
    expect(queued).toEqual(['shop/crashed', 'shop/not-ready', 'shop/ready']);
  });

  test('P8 visits a few thousand pods between two yields to the event loop, and queues no more at a time', async () => {
    addReady(4 * MAX_PER_SLICE);
    void enqueueAll().run(stop.signal);
    await until(world.pods.size, (inSlice) => {
      expect(inSlice).toBeLessThanOrEqual(MAX_PER_SLICE);
      expect(queued.length - taken).toBeLessThanOrEqual(MAX_PER_SLICE);
    });
    expect(queued).toHaveLength(world.pods.size);
    expect(new Set(queued)).toEqual(new Set(world.pods.keys()));
  });

  test('waits for slow workers until its signal is aborted', async () => {
    addReady(2 * MAX_PER_SLICE);
    void enqueueAll().run(stop.signal);
    for (let index = 0; index < 50; index += 1) {
      await yieldToEventLoop();
      await clock.advance(10);
    }
    expect(queued.length).toBeLessThan(MAX_PER_SLICE);
    stop.abort();
    const before = queued.length;
    taken = before;
    for (let index = 0; index < 50; index += 1) await yieldToEventLoop();
    expect(queued).toHaveLength(before);
  });

  test('is complete when all have been evaluated, even if some were before the last was queued', async () => {
    addReady(2 * MAX_PER_SLICE);
    void enqueueAll().run(stop.signal);
    let evaluated = 0;
    await until(world.pods.size, () => {
      for (; evaluated < queued.length - 1; evaluated += 1) progress.evaluated(queued[evaluated] ?? '');
      expect(completions).toBe(0);
    });
    for (let index = 0; index < 50; index += 1) await yieldToEventLoop();
    expect([progress.completedAtMs, completions]).toEqual([undefined, 0]);
    for (; evaluated < queued.length - 1; evaluated += 1) progress.evaluated(queued[evaluated] ?? '');
    expect(completions).toBe(0);
    progress.evaluated(queued.at(-1) ?? '');
    expect([progress.completedAtMs, completions]).toEqual([clock.now(), 1]);
  });

  test('P8 does not run concurrently: after any number of requests it runs once more', async () => {
    addReady(2 * MAX_PER_SLICE);
    const all = enqueueAll();
    void all.run(stop.signal);
    for (let times = 0; times < 20; times += 1) all.request();
    await until(2 * world.pods.size);
    for (let index = 0; index < 50; index += 1) {
      await yieldToEventLoop();
      taken = queued.length;
      await clock.advance(10);
    }
    expect(queued).toHaveLength(2 * world.pods.size);
  });

  test('runs again when it is requested after it has completed, and ends with its signal', async () => {
    addReady(3);
    const all = enqueueAll();
    const running = all.run(stop.signal);
    await until(3);
    all.request();
    await until(6);
    stop.abort();
    await expect(running).resolves.toBeUndefined();
    expect(queued).toHaveLength(6);
  });

  test('of no pods is complete at once', async () => {
    void enqueueAll().run(stop.signal);
    await yieldToEventLoop();
    expect([progress.completedAtMs, completions]).toEqual([clock.now(), 1]);
  });
});
