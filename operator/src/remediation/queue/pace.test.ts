import { describe, expect, test } from '@jest/globals';
import { podKey } from '@archpolicy/cluster-view';
import type { Labels, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';
import type { WorldOptions } from '../fixtures/world.ts';
import { EvictionPipeline } from './eviction-pipeline.ts';

const STEP_MS = 50;

/** Creates a world whose pipeline runs by itself. */
function runningWorld(options: WorldOptions = {}): World {
  const clock = new FakeClock();
  return new World(clock, { ...options, pipeline: new EvictionPipeline(clock) });
}

/** Adds misplaced pods of as many owners, and enqueues them. */
function addPods(world: World, namespace: string, count: number, labels: PodFacts['labels'] = {}): void {
  world.namespaces.set(namespace, { name: namespace, labels: {}, annotations: {} });
  const pods = Array.from({ length: count }, (_, index) => {
    const uid = `${namespace}-${index}`;
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: uid, uid };
    return world.add(uid, { namespace, uid, owner, labels });
  });
  world.remediation.enqueue(pods.map(podKey));
}

/** Lets time pass. Returns the number of evictions in that time. */
async function countEvictions(world: World, ms: number): Promise<number> {
  const before = world.evictions.length;
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    for (let index = 0; index < 5; index += 1) await new Promise(setImmediate);
    await world.clock.advance(STEP_MS);
  }
  return world.evictions.length - before;
}

/** Lets time pass until the first eviction. */
async function untilFirstEviction(world: World): Promise<void> {
  while (world.evictions.length === 0) await countEvictions(world, STEP_MS);
}

describe('150 misplaced pods of one policy', () => {
  test('R6 are evicted one a second at the default rate, and do not use up the minute at its start', async () => {
    const world = runningWorld();
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 60 } })];
    addPods(world, 'shop', 150);
    await untilFirstEviction(world);
    expect(await countEvictions(world, 250)).toBe(0);
    expect(world.evictions).toHaveLength(1);
    expect(await countEvictions(world, 10_000)).toBe(10);
    await countEvictions(world, 139_000);
    expect(world.evictions).toHaveLength(150);
  });

  test('R6 at 2,000 a minute, at most a second’s worth is evicted at once, and all within five seconds', async () => {
    const world = runningWorld();
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 2_000 } })];
    addPods(world, 'shop', 150);
    await untilFirstEviction(world);
    expect(world.evictions.length).toBeLessThanOrEqual(34 + 2);
    await countEvictions(world, 5_000);
    expect(world.evictions).toHaveLength(150);
  });
});

describe('many policies', () => {
  const teamLabels = (team: string): Labels => ({ team });
  const inNamespace = (name: string): ReturnType<typeof policy> =>
    policy(
      { priority: 1, namespaceSelector: { matchLabels: { team: name } }, remediation: { maxEvictionsPerMinute: 600 } },
      name,
    );

  test('R6 keep to the rate of the cluster together, and share it round-robin', async () => {
    const world = runningWorld({ maxEvictionsPerMinute: 60 });
    const teams = ['a', 'b', 'c'];
    world.policies = teams.map(inNamespace);
    for (const [index, team] of teams.entries()) {
      addPods(world, team, index === 0 ? 100 : 10);
      world.namespaces.set(team, { name: team, labels: teamLabels(team), annotations: {} });
    }
    await untilFirstEviction(world);
    await countEvictions(world, 28_000);
    const evicted = world.evictions.map(({ namespace }) => namespace);
    expect(evicted).toHaveLength(29);
    for (const team of teams) {
      const share = evicted.filter((namespace) => namespace === team).length;
      expect(share).toBeGreaterThanOrEqual(9);
      expect(share).toBeLessThanOrEqual(11);
    }
    await countEvictions(world, 91_000);
    expect([world.evictions.length, world.limitQueues.size]).toEqual([120, 0]);
  });

  test('R6 a policy with its own low rate does not delay the others', async () => {
    const world = runningWorld({ maxEvictionsPerMinute: 120 });
    world.policies = [
      policy({ namespaceSelector: { matchLabels: { team: 'a' } }, remediation: { maxEvictionsPerMinute: 6 } }, 'a'),
      inNamespace('b'),
    ];
    for (const team of ['a', 'b']) {
      addPods(world, team, 50);
      world.namespaces.set(team, { name: team, labels: teamLabels(team), annotations: {} });
    }
    await untilFirstEviction(world);
    await countEvictions(world, 19_000);
    const evicted = world.evictions.map(({ namespace }) => namespace);
    expect(evicted.filter((namespace) => namespace === 'a')).toHaveLength(2);
    expect(evicted.filter((namespace) => namespace === 'b').length).toBeGreaterThanOrEqual(36);
  });
});
