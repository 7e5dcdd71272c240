import { beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { FakeClock } from '@archpolicy/testkit';
import { LineUp } from './line-up.ts';
import { Passes } from './passes.ts';
import { World } from './testing/world.ts';

/** Some 3 µs each: far from 100 ms. */
const MOST_PER_TURN = 5_000;

describe('the line of all pods', () => {
  const clock = new FakeClock();
  const world = new World(clock);
  let passes: Passes;
  let queued: string[];
  let passedOver: number;
  let completions: number;

  beforeEach(() => {
    world.pods.clear();
    passes = new Passes();
    queued = [];
    passedOver = 0;
    completions = 0;
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
      queue: { add: (key) => queued.push(key) },
      clock,
      onLast: () => {
        completions += 1;
      },
    });

  const addReady = (count: number): void => {
    const ready = { value: true, sinceMs: 0 };
    for (let at = 0; at < count; at += 1) world.add(`web-${at}`, { containers: [], ready });
  };

  /** All of them have been lined up. */
  const until = async (count: number): Promise<void> => {
    while (queued.length < count) await turnOfTheLoop();
  };

  test('begins with the most certain ones', async () => {
    world.add('ready', { containers: [], ready: { value: true, sinceMs: 0 } });
    world.add('not-ready', { containers: [] });
    world.add('crashed');
    lineUp().request();
    await until(3);
    expect(queued).toEqual(['shop/crashed', 'shop/not-ready', 'shop/ready']);
  });

  test('P8 passes over a few thousand pods between two turns of the event loop', async () => {
    addReady(4 * MOST_PER_TURN);
    lineUp().request();
    let before = passedOver + queued.length;
    while (queued.length < world.pods.size) {
      await turnOfTheLoop();
      expect(passedOver + queued.length - before).toBeLessThanOrEqual(MOST_PER_TURN);
      before = passedOver + queued.length;
    }
    expect(new Set(queued)).toEqual(new Set(world.pods.keys()));
  });

  test('is complete when all have been looked at, however fast the first of them were', async () => {
    addReady(2 * MOST_PER_TURN);
    lineUp().request();
    let looked = 0;
    while (queued.length < world.pods.size) {
      await turnOfTheLoop();
      for (; looked < queued.length - 1; looked += 1) expect(passes.done(queued[looked] ?? '', 1)).toBe(false);
    }
    expect([passes.completedAtMs, completions]).toEqual([undefined, 0]);
    for (; looked < queued.length - 1; looked += 1) passes.done(queued[looked] ?? '', 1);
    expect(passes.done(queued.at(-1) ?? '', 2)).toBe(true);
  });

  test('P8 is not made side by side, however often it is asked for: once more is enough', async () => {
    addReady(2 * MOST_PER_TURN);
    const line = lineUp();
    for (let times = 0; times < 20; times += 1) line.request();
    await until(2 * world.pods.size);
    for (let turn = 0; turn < 20; turn += 1) await turnOfTheLoop();
    expect(queued).toHaveLength(2 * world.pods.size);
  });

  test('over no pods is complete at once, and told', async () => {
    lineUp().request();
    await turnOfTheLoop();
    expect([passes.completedAtMs, completions]).toEqual([clock.now(), 1]);
  });
});
