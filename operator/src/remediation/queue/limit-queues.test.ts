import { expect, test } from '@jest/globals';
import { podKey } from '@archpolicy/cluster-view';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;

/** Creates a world with one eviction a minute, and misplaced pods of different workloads. */
function worldWith(...keys: readonly string[]): World {
  const world = new World(new FakeClock());
  world.policies = [policy({ remediation: { maxEvictionsPerMinute: 1 } })];
  for (const key of keys) addPod(world, key);
  return world;
}

function addPod(world: World, key: string): void {
  const [namespace = '', name = ''] = key.split('/');
  world.namespaces.set(namespace, { name: namespace, labels: {}, annotations: {} });
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: key };
  world.add(name, { namespace, uid: key, owner });
}

const work = (world: World, key: string) => world.work(key);

/** Evaluates the pod that was woken last after its delay, as the pipeline does. */
async function nextMinute(world: World): Promise<void> {
  await world.clock.advance(MINUTE);
  const woken = world.woken.at(-1);
  if (woken !== undefined) await work(world, woken.key);
}

const evicted = (world: World): readonly string[] =>
  world.evictions.map(({ namespace, name }) => `${namespace}/${name}`);

test('R6 namespaces are served round-robin: one with many due pods does not use up its policy’s rate', async () => {
  const world = worldWith('shop/a', 'shop/b', 'shop/c', 'shop/d', 'bank/x', 'bank/y');
  for (const pod of [...world.pods.values()]) await work(world, podKey(pod));
  for (let minute = 0; minute < 5; minute += 1) await nextMinute(world);
  expect(evicted(world)).toEqual(['shop/a', 'shop/b', 'bank/x', 'shop/c', 'bank/y', 'shop/d']);
  expect(world.limitQueues.size).toBe(0);
});

test('R6 newcomers queue behind pods that wait', async () => {
  const world = worldWith('shop/a', 'bank/x');
  await work(world, 'shop/a');
  await work(world, 'bank/x');
  await world.clock.advance(MINUTE);
  addPod(world, 'shop/late');
  await work(world, 'shop/late');
  expect([evicted(world), world.stats.get('shop/late')?.reason]).toEqual([['shop/a'], 'PolicyLimit']);
  await work(world, 'bank/x');
  await nextMinute(world);
  expect(evicted(world)).toEqual(['shop/a', 'bank/x', 'shop/late']);
});
