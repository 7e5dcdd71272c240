import { describe, expect, test } from '@jest/globals';
import { READY_AFTER_MS } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import { policy } from '../../fixtures/objects.ts';
import { container, ended, HOUR, MINUTE, OWNER, workUntilStable, unready, worldWith } from '../fixtures/unready.ts';
import type { World } from '../fixtures/world.ts';

describe('four replicas that have run since January and keep crashing', () => {
  const names = ['a', 'b', 'c', 'd'];

  /** Creates a world in which they have crashed for 15 minutes. Each evicted pod is replaced on arm64, and starts there. */
  async function crashed(): Promise<World> {
    const world = await worldWith(names);
    await crash(world);
    expect(world.evictions).toEqual([]);
    world.answer = async ({ name }) => {
      await world.remove(name);
      const waiting = { reason: 'ContainerCreating', message: '' };
      await world.bind(`${name}-new`, 'arm64-1', {
        phase: 'Pending',
        ready: { value: false, sinceMs: world.clock.now() },
        containers: [container({ waiting })],
      });
      return { kind: 'evicted' };
    };
    await crash(world);
    await workUntilStable(world);
    return world;
  }
  /** The pods on amd64 crash three times in ten minutes. */
  async function crash(world: World): Promise<void> {
    for (let times = 0; times < 3; times += 1) {
      if (times > 0) await world.clock.advance(5 * MINUTE);
      for (const name of names.filter((one) => world.pods.has(`shop/${one}`))) {
        const restartCount = world.pods.get(`shop/${name}`)!.containers[0]!.restartCount + 1;
        await unready(world, name, [container({ restartCount, lastTerminated: ended() })]);
      }
    }
  }
  const become = async (world: World, name: string, changes: Partial<PodFacts>): Promise<void> => {
    const { scheduled } = world.pods.get(`shop/${name}`)!;
    world.add(name, { nodeName: 'arm64-1', scheduled, ...changes });
    await world.reconcile(name);
    await workUntilStable(world);
  };

  test('R10 one is evicted, and the next once its replacement has been Ready for ten seconds', async () => {
    const world = await crashed();
    expect([world.evictions.map(({ name }) => name), world.getReason('b')]).toEqual([['a'], 'OwnerLimit']);
    const sinceMs = world.clock.now();
    await become(world, 'a-new', {
      ready: { value: false, sinceMs },
      containers: [container({ running: true, runningSinceMs: sinceMs })],
    });
    await world.clock.advance(2 * HOUR);
    await crash(world);
    expect([world.evictions.length, world.landings]).toEqual([1, []]);
    await become(world, 'a-new', { ready: { value: true, sinceMs: world.clock.now() } });
    expect(world.evictions).toHaveLength(1);
    await world.clock.advance(READY_AFTER_MS);
    await world.reconcile('a-new');
    await workUntilStable(world);
    expect([world.evictions.map(({ name }) => name), world.landings]).toEqual([['a', 'b'], ['right']]);
  });

  test('R6 R7 R10 the replacement has a broken image: its owner waits for a day, and other owners are not affected', async () => {
    const world = await crashed();
    await become(world, 'a-new', {
      containers: [container({ restartCount: 1, lastTerminated: ended('exec /app: exec format error') })],
    });
    expect([world.landings, world.violations, world.getReason('b')]).toEqual([['broken'], [], 'OwnerStopped']);
    expect(world.ledger.brakeState(world.clock.monotonic())).toEqual({ kind: 'owners-paused', owners: [OWNER] });
    await world.clock.advance(23 * HOUR);
    await crash(world);
    expect([world.evictions.length, world.getReason('b')]).toEqual([1, 'OwnerLimit']);
  });

  test('R10 with includeReady they are evicted one at a time, too', async () => {
    const world = await worldWith(names);
    world.policies = [policy({ remediation: { includeReady: true } })];
    await workUntilStable(world);
    await world.clock.advance(HOUR);
    await workUntilStable(world);
    expect([world.evictions.length, world.getReason('b')]).toEqual([1, 'OwnerLimit']);
  });
});
