import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;
const SECOND = 1_000;

/** Returns the world of the next leader, with the same pods and the ledger of the first one. */
async function nextLeader(first: World, passedMs = 20 * SECOND): Promise<World> {
  await first.clock.advance(passedMs);
  const next = new World(first.clock);
  for (const pod of first.pods.values()) next.put(pod);
  const now = first.clock.monotonic();
  next.ledger.restore(first.ledger.snapshot(now), now, now);
  return next;
}

async function evictingWorld(): Promise<World> {
  const world = new World(new FakeClock());
  await world.clock.advance(10 * MINUTE);
  world.add('a');
  await world.reconcile('a');
  return world;
}

describe('the evictions of the previous leader', () => {
  test('R6 a replacement that was created since releases the slot when it has come up', async () => {
    const first = await evictingWorld();
    await first.remove('a');
    first.add('x', { nodeName: 'arm64-1', createdAtMs: first.clock.now() + SECOND, phase: 'Pending' });
    const next = await nextLeader(first);
    expect(next.replacements.resume()).toEqual(['shop/x']);
    await next.replace('x', 'arm64-1');
    expect(next.landings).toEqual(['right']);
    expect(next.ledger.countSlots('shop/Deployment/web', next.clock.monotonic())).toBe(0);
  });

  test('R6 a pod that existed before the eviction is no replacement', async () => {
    const world = new World(new FakeClock());
    await world.clock.advance(10 * MINUTE);
    world.add('old', { nodeName: 'arm64-1', createdAtMs: world.clock.now() - MINUTE });
    world.add('a');
    await world.reconcile('a');
    await world.remove('a');
    const next = await nextLeader(world);
    expect(next.replacements.resume()).toEqual([]);
    await next.replace('old', 'arm64-1');
    expect(next.landings).toEqual([]);
    expect(next.ledger.countSlots('shop/Deployment/web', next.clock.monotonic())).toBe(1);
  });

  test('R6 a replacement on a wrong node holds the slot for ten minutes more', async () => {
    const first = await evictingWorld();
    await first.remove('a');
    const annotations = { 'archpolicy.dev/decision': '{"v":1}' };
    first.add('x', { nodeName: 'amd64-1', createdAtMs: first.clock.now() + SECOND, annotations });
    const next = await nextLeader(first);
    for (const key of next.replacements.resume()) await next.work(key);
    expect(next.landings).toEqual(['wrong']);
    // Whether the scheduler placed it is not known, so that it does not count for the brake.
    expect(next.violations).toEqual([]);
  });
});

describe('the record of evictions', () => {
  test('R6 an eviction that cannot be recorded is not sent, and its slot is released', async () => {
    const world = new World(new FakeClock());
    world.add('a');
    world.waitUntilWritten = () => {
      world.ledger.setRecordable(false);
      return Promise.resolve(false);
    };
    await world.reconcile('a');
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'EvictionsNotRecorded']);
    expect(world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())).toBe(0);
    world.ledger.setRecordable(true);
    world.waitUntilWritten = () => Promise.resolve(true);
    expect(world.woken.at(-1)).toEqual({ key: 'shop/a', delayMs: 500 });
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });

  test('R6 R7 an eviction is evaluated again after it has been recorded', async () => {
    const world = new World(new FakeClock());
    world.add('a');
    world.waitUntilWritten = () => {
      for (const [index, owner] of ['web', 'api', 'job', 'web', 'api'].entries()) {
        const namespace = index % 2 === 0 ? 'shop' : 'bank';
        const violation = { pod: `${index}`, owner: `${namespace}/Deployment/${owner}`, namespace };
        world.ledger.recordViolation(violation, world.clock.monotonic());
      }
      return Promise.resolve(true);
    };
    await world.reconcile('a');
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'EvictionsStopped']);
  });
});
