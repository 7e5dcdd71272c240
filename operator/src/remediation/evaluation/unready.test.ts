import { describe, expect, test } from '@jest/globals';
import { READY_AFTER_MS } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { node, resolved } from '../../fixtures/objects.ts';
import {
  container,
  ended,
  HOUR,
  IMAGE,
  JANUARY,
  MINUTE,
  OWNER,
  readySince,
  runsSinceJanuary,
  workUntilStable,
  unready,
  worldWith,
} from '../fixtures/unready.ts';
import { World } from '../fixtures/world.ts';

describe('a pod that has been Ready since January is not Ready for a moment', () => {
  test('R10 its node is not Ready: nothing is evicted, also after the node recovers', async () => {
    const world = await worldWith(['a']);
    world.nodes.set('amd64-1', node('amd64-1', 'amd64', { ready: false }));
    await unready(world, 'a', [container({ ready: true, running: true, runningSinceMs: world.clock.now() - JANUARY })]);
    world.nodes.set('amd64-1', node('amd64-1', 'amd64'));
    await world.reconcile('a');
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'ReadyOnWrongArchitecture']);
  });

  test('R10 one failed readiness probe', async () => {
    const world = await worldWith(['a']);
    await unready(world, 'a', [runsSinceJanuary(world)]);
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'ReadyOnWrongArchitecture']);
  });

  test('R10 the same with an operator that started a moment later', async () => {
    const world = new World(new FakeClock());
    await world.clock.advance(JANUARY);
    world.add('a', readySince(world, JANUARY));
    // It has observed nothing: the pod gets another UID.
    world.pods.set('shop/a', {
      ...world.pods.get('shop/a')!,
      ready: { value: false, sinceMs: world.clock.now(), turnedFalse: true },
      containers: [runsSinceJanuary(world)],
    });
    await world.reconcile('a');
    expect([world.readiness.size, world.evictions, world.getReason('a')]).toEqual([0, [], 'ReadyOnWrongArchitecture']);
  });

  test('R10 four replicas crash at once while their database restarts: no pod is evicted', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const world = await worldWith(names);
    for (const name of names) await unready(world, name, [container({ terminated: ended() })]);
    await world.clock.advance(MINUTE);
    for (const name of names) {
      await unready(world, name, [container({ restartCount: 4, lastTerminated: ended() })]);
    }
    await workUntilStable(world);
    expect(world.evictions).toEqual([]);
    expect(new Set(names.map((name) => world.getReason(name)))).toEqual(new Set(['ReadyOnWrongArchitecture']));
  });

  test('R10 its tag resolves to other content, which the kernel refuses: it is evicted', async () => {
    const world = await worldWith(['a']);
    await unready(world, 'a', [container({ restartCount: 1, lastTerminated: ended('exec /app: exec format error') })]);
    expect(world.evictions).toHaveLength(1);
  });
});

test('R10 a pod that never ran waits while its node is not Ready, and is evicted when the node recovers', async () => {
  const world = new World(new FakeClock());
  world.nodes.set('amd64-1', node('amd64-1', 'amd64', { ready: false }));
  world.add('a');
  // No delay: the change of the node enqueues the pod.
  expect([await world.reconcile('a'), world.getReason('a')]).toEqual([{}, 'NodeNotReady']);
  world.nodes.set('amd64-1', node('amd64-1', 'amd64'));
  await world.reconcile('a');
  expect(world.evictions).toHaveLength(1);
});

test('R10 an application that declares only arm64, and crashes beside a running sidecar, is evicted', async () => {
  const world = new World(new FakeClock());
  await world.clock.advance(HOUR);
  world.images.set('registry.test/proxy:v1', resolved('linux/amd64', 'linux/arm64'));
  const sinceMs = world.clock.now() - HOUR;
  world.add('a', {
    images: [IMAGE, 'registry.test/proxy:v1'],
    scheduled: { value: true, sinceMs },
    ready: { value: false, sinceMs },
    containers: [
      container({ restartCount: 16, lastTerminated: ended() }),
      container({
        name: 'proxy',
        image: 'registry.test/proxy:v1',
        ready: true,
        running: true,
        runningSinceMs: sinceMs,
      }),
    ],
  });
  await world.reconcile('a');
  expect(world.evictions).toHaveLength(1);
});

describe('four replicas that never ran, of an image whose arm64 manifest contains an amd64 binary', () => {
  const names = ['a', 'b', 'c', 'd'];
  const REFUSED = container({ restartCount: 1, lastTerminated: ended('exec /app: exec format error') });

  /** Creates a world in which each evicted pod is replaced on arm64, at first bound and creating its containers. */
  async function replicas(afterMs: number): Promise<World> {
    const world = new World(new FakeClock());
    await world.clock.advance(afterMs);
    for (const name of names) world.add(name);
    world.answer = async ({ name }) => {
      await world.remove(name);
      await world.bind(`${name}-new`, 'arm64-1', starting(world));
      return { kind: 'evicted' };
    };
    return world;
  }
  const starting = (world: World): Partial<PodFacts> => ({
    phase: 'Pending',
    ready: { value: false, sinceMs: world.clock.now() },
    containers: [container({ waiting: { reason: 'ContainerCreating', message: '' } })],
  });
  const become = (world: World, name: string, changes: Partial<PodFacts>): Promise<unknown> => {
    const { scheduled } = world.pods.get(`shop/${name}`)!;
    world.add(name, { nodeName: 'arm64-1', scheduled, ...changes });
    return world.reconcile(name);
  };

  test('R6 R7 R10 the broken replacement stops the owner after the first eviction', async () => {
    const world = await replicas(0);
    await workUntilStable(world);
    expect(world.evictions.map(({ name }) => name)).toEqual(['a']);
    expect([world.landings, world.getReason('b')]).toEqual([[], 'OwnerLimit']);
    await become(world, 'a-new', {
      ready: { value: true, sinceMs: world.clock.now() },
      containers: [container({ running: true })],
    });
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(1);
    await become(world, 'a-new', { ready: { value: false, sinceMs: world.clock.now() }, containers: [REFUSED] });
    await workUntilStable(world);
    expect([world.evictions.length, world.landings, world.getReason('b')]).toEqual([1, ['broken'], 'OwnerStopped']);
    expect(world.violations).toEqual([]);
    expect(world.ledger.brakeState(world.clock.monotonic())).toEqual({ kind: 'owners-paused', owners: [OWNER] });
    expect(world.events.filter(({ reason }) => reason === 'ReplacementBroken')).toMatchObject([
      {
        type: 'Warning',
        note: expect.stringMatching(
          /^Pod a-new of Deployment web replaces an evicted pod and does not run on node arm64-1/u,
        ),
      },
    ]);
    await world.clock.advance(9 * MINUTE);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(1);
    await world.clock.advance(MINUTE);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(2);
  });

  test('R6 R10 ten minutes after the leader started: at most three, and the first broken one stops the rest', async () => {
    const world = await replicas(HOUR);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(3);
    await become(world, 'a-new', { containers: [REFUSED] });
    await world.clock.advance(MINUTE);
    await workUntilStable(world);
    expect([world.evictions.length, world.getReason('d')]).toEqual([3, 'OwnerStopped']);
  });

  test('R6 R10 once the first replacement has come up, the others follow without waiting for theirs', async () => {
    const world = await replicas(0);
    await workUntilStable(world);
    const readyAtMs = world.clock.now();
    const up = { ready: { value: true, sinceMs: readyAtMs }, containers: [container({ ready: true, running: true })] };
    await become(world, 'a-new', up);
    expect([world.evictions.length, world.landings]).toEqual([1, []]);
    expect(await world.reconcile('a-new')).toEqual({ requeueAfterMs: READY_AFTER_MS });
    await world.clock.advance(READY_AFTER_MS);
    await world.reconcile('a-new');
    await workUntilStable(world);
    expect([world.evictions.length, world.landings]).toEqual([4, ['right', 'right', 'right', 'right']]);
  });

  test('R6 R10 a replacement that is not Ready for another reason counts as right after a minute', async () => {
    const world = await replicas(0);
    await workUntilStable(world);
    const sinceMs = world.clock.now();
    const running = container({ running: true, runningSinceMs: sinceMs });
    await become(world, 'a-new', { ready: { value: false, sinceMs }, containers: [running] });
    expect(await world.reconcile('a-new')).toEqual({ requeueAfterMs: MINUTE });
    await world.clock.advance(MINUTE);
    await world.reconcile('a-new');
    expect(world.landings).toEqual(['right']);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(2);
  });

  test('R6 R10 a replacement that has not started does not count, even after a long time', async () => {
    const world = await replicas(0);
    await workUntilStable(world);
    await world.clock.advance(5 * MINUTE);
    await workUntilStable(world);
    expect([world.evictions.length, world.landings]).toEqual([1, []]);
  });

  test('R6 R10 a succeeded pod of a Job has come up', async () => {
    const world = await replicas(0);
    await workUntilStable(world);
    await become(world, 'a-new', {
      phase: 'Succeeded',
      containers: [container({ terminated: { ...ended(), exitCode: 0 } })],
    });
    expect(world.landings).toEqual(['right']);
  });
});
