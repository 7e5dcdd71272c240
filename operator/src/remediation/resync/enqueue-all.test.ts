import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { FakeClock } from '@archpolicy/testkit';
import { LineUp } from './enqueue-all.ts';
import { Passes } from './progress.ts';
import { World } from '../testing/world.ts';

/** Some 3 µs each: far from 100 ms. */
const MOST_PER_TURN = 5_000;

describe('the line of all pods', () => {
  const clock = new FakeClock();
  const world = new World(clock);
  let passes: Passes;
  let queued: string[];
  /** Those of them that the workers have taken. */
  let taken: number;
  let stop: AbortController;
  let passedOver: number;
  let completions: number;

  beforeEach(() => {
    world.pods.clear();
    passes = new Passes();
    queued = [];
    taken = 0;
    stop = new AbortController();
    passedOver = 0;
    completions = 0;
  });

  afterEach(() => {
    stop.abort();
  });

  function* entries(): ReturnType<typeof world.pods.entries> {
    for (const entry of world.pods) {
      passedOver += 1;
      yield entry;
    }
  }

  const lineUp = (): LineUp =>
    new LineUp({
      pods: { entries },
      passes,
      queue: {
        get length() {
          return queued.length - taken;
        },
        add: (key) => queued.push(key),
      },
      clock,
      onLast: () => {
        completions += 1;
      },
    });

  const addReady = (count: number): void => {
    const ready = { value: true, sinceMs: 0 };
    for (let at = 0; at < count; at += 1) world.add(`web-${at}`, { containers: [], ready });
  };

  /** The workers take all that is queued, until that was so many. */
  const until = async (count: number, onTurn: (passed: number) => void = () => undefined): Promise<void> => {
    while (queued.length < count) {
      const before = passedOver;
      await turnOfTheLoop();
      onTurn(passedOver - before);
      taken = queued.length;
      await clock.advance(10);
    }
  };

  test('begins with the most certain ones', async () => {
    world.add('ready', { containers: [], ready: { value: true, sinceMs: 0 } });
    world.add('not-ready', { containers: [] });
    world.add('crashed');
    lineUp().start(stop.signal);
    await until(3);
    expect(queued).toEqual(['shop/crashed', 'shop/not-ready', 'shop/ready']);
  });

  test('P8 passes over a few thousand pods between two turns of the event loop, and queues no more at a time', async () => {
    addReady(4 * MOST_PER_TURN);
    lineUp().start(stop.signal);
    await until(world.pods.size, (passed) => {
      expect(passed).toBeLessThanOrEqual(MOST_PER_TURN);
      expect(queued.length - taken).toBeLessThanOrEqual(MOST_PER_TURN);
    });
    expect(queued).toHaveLength(world.pods.size);
    expect(new Set(queued)).toEqual(new Set(world.pods.keys()));
  });

  test('waits for the workers, without end where they are held up, and not beyond its signal', async () => {
    addReady(2 * MOST_PER_TURN);
    lineUp().start(stop.signal);
    for (let turn = 0; turn < 50; turn += 1) {
      await turnOfTheLoop();
      await clock.advance(10);
    }
    expect(queued.length).toBeLessThan(MOST_PER_TURN);
    stop.abort();
    const before = queued.length;
    taken = before;
    for (let turn = 0; turn < 50; turn += 1) await turnOfTheLoop();
    expect(queued).toHaveLength(before);
  });

  test('is complete when all have been looked at, however fast the first of them were', async () => {
    addReady(2 * MOST_PER_TURN);
    lineUp().start(stop.signal);
    let looked = 0;
    await until(world.pods.size, () => {
      for (; looked < queued.length - 1; looked += 1) expect(passes.done(queued[looked] ?? '', 1)).toBe(false);
    });
    for (let turn = 0; turn < 50; turn += 1) await turnOfTheLoop();
    expect([passes.completedAtMs, completions]).toEqual([undefined, 0]);
    for (; looked < queued.length - 1; looked += 1) passes.done(queued[looked] ?? '', 1);
    expect(passes.done(queued.at(-1) ?? '', 2)).toBe(true);
  });

  test('P8 is not made side by side, however often it is asked for: once more is enough', async () => {
    addReady(2 * MOST_PER_TURN);
    const line = lineUp();
    line.start(stop.signal);
    for (let times = 0; times < 20; times += 1) line.request();
    await until(2 * world.pods.size);
    for (let turn = 0; turn < 50; turn += 1) {
      await turnOfTheLoop();
      taken = queued.length;
      await clock.advance(10);
    }
    expect(queued).toHaveLength(2 * world.pods.size);
  });

  test('over no pods is complete at once, and told', async () => {
    lineUp().start(stop.signal);
    await turnOfTheLoop();
    expect([passes.completedAtMs, completions]).toEqual([clock.now(), 1]);
  });
});
