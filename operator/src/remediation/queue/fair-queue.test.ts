import { expect, test } from '@jest/globals';
import { podKey } from '@archpolicy/cluster-view';
import { FakeClock } from '@archpolicy/testkit';
import { policy } from '../../testing/objects.ts';
import { World } from '../testing/world.ts';

const MINUTE = 60_000;

/** One eviction a minute, and misplaced pods of workloads of their own. */
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

const look = (world: World, key: string) => world.work(key);

/** What the queue does: whoever was woken last, and is still there, is looked at when its time has come. */
async function nextMinute(world: World): Promise<void> {
  await world.clock.advance(MINUTE);
  const woken = world.woken.at(-1);
  if (woken !== undefined) await look(world, woken.key);
}

const evicted = (world: World): readonly string[] =>
  world.evictions.map(({ namespace, name }) => `${namespace}/${name}`);

test('R6 namespaces take turns: one with many due pods does not spend its policy’s rate alone', async () => {
  const world = worldWith('shop/a', 'shop/b', 'shop/c', 'shop/d', 'bank/x', 'bank/y');
  for (const pod of [...world.pods.values()]) await look(world, podKey(pod));
  for (let minute = 0; minute < 5; minute += 1) await nextMinute(world);
  expect(evicted(world)).toEqual(['shop/a', 'shop/b', 'bank/x', 'shop/c', 'bank/y', 'shop/d']);
  expect(world.fairQueue.size).toBe(0);
});

test('R6 who comes late does not overtake those that wait', async () => {
  const world = worldWith('shop/a', 'bank/x');
  await look(world, 'shop/a');
  await look(world, 'bank/x');
  await world.clock.advance(MINUTE);
  addPod(world, 'shop/late');
  await look(world, 'shop/late');
  expect([evicted(world), world.stats.get('shop/late')?.reason]).toEqual([['shop/a'], 'PolicyLimit']);
  await look(world, 'bank/x');
  await nextMinute(world);
  expect(evicted(world)).toEqual(['shop/a', 'bank/x', 'shop/late']);
});
