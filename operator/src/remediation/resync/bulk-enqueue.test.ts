import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { FakeClock } from '@archpolicy/testkit';
import { silent } from '../../fixtures/objects.ts';
import { BulkEnqueue } from './bulk-enqueue.ts';

/** About 1 µs each, so a slice is far below 50 ms. */
const MAX_PER_SLICE = 4_000;
const PODS = 100_000;

describe('enqueueing the pods that one change affects', () => {
  const clock = new FakeClock();
  let queued: string[];
  /** How many of them the workers have processed. */
  let taken: number;
  let bulk: BulkEnqueue;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    queued = [];
    taken = 0;
    stop = new AbortController();
    const queue = {
      get length() {
        return queued.length - taken;
      },
      add: (key: string) => queued.push(key),
    };
    bulk = new BulkEnqueue({ queue, clock, logger: silent });
    running = bulk.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  const keys = (prefix: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `${prefix}/${at}`);

  /** Runs for a while; the workers process the queue after each slice, unless they are slow. */
  const run = async (slices: number, onSlice: (queued: number) => void = () => undefined): Promise<void> => {
    for (let slice = 0; slice < slices; slice += 1) {
      const before = queued.length;
      await yieldToEventLoop();
      onSlice(queued.length - before);
      taken = queued.length;
      await clock.advance(10);
    }
  };

  test('P8 100,000 pods: a few thousand between two yields to the event loop, and no more in the queue', async () => {
    bulk.request({ name: 'namespace shop', keys: () => keys('shop', PODS) });
    await run(500, (inSlice) => {
      expect(inSlice).toBeLessThanOrEqual(MAX_PER_SLICE);
      expect(queued.length - taken).toBeLessThanOrEqual(MAX_PER_SLICE);
    });
    expect(queued).toEqual(keys('shop', PODS));
  });

  test('P8 several changes at the same time share the room in the queue', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) bulk.request({ name, keys: () => keys(name, 5_000) });
    await run(200, (inSlice) => {
      expect(inSlice).toBeLessThanOrEqual(MAX_PER_SLICE);
    });
    expect(new Set(queued).size).toBe(30_000);
  });

  test('a change of few pods does not wait for a change of many', async () => {
    bulk.request({ name: 'many', keys: () => keys('many', PODS) });
    await run(2);
    bulk.request({ name: 'few', keys: () => ['few/0'] });
    await run(2);
    expect(queued).toContain('few/0');
    expect(queued.length).toBeLessThan(PODS / 2);
  });

  test('P8 changes of one name are collected for the delay of the first, and served once', async () => {
    let listed = 0;
    const request = (): void => {
      bulk.request({ name: 'nodes', keys: () => [`pod/${(listed += 1)}`], delayMs: 3_000 });
    };
    for (let second = 0; second < 60; second += 1) {
      for (let change = 0; change < 100; change += 1) request();
      await clock.advance(1_000);
      await yieldToEventLoop();
    }
    expect(listed).toBe(20);
    expect(queued).toHaveLength(20);
  });

  test('a change during the enqueueing is served afterwards, with the pods of that time', async () => {
    let count = 5_000;
    const request = (): void => {
      bulk.request({ name: 'namespace shop', keys: () => keys('shop', count) });
    };
    request();
    await run(1);
    expect(queued.length).toBeLessThan(count);
    count = 2;
    request();
    await run(50);
    expect(queued.slice(5_000)).toEqual(['shop/0', 'shop/1']);
  });

  test('ends with its signal, although the workers are slow', async () => {
    bulk.request({ name: 'namespace shop', keys: () => keys('shop', PODS) });
    for (let index = 0; index < 50; index += 1) {
      await yieldToEventLoop();
      await clock.advance(10);
    }
    expect(queued.length).toBeLessThanOrEqual(MAX_PER_SLICE);
    stop.abort();
    await expect(running).resolves.toBeUndefined();
  });
});
