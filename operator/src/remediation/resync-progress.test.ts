import { expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { World } from './fixtures/world.ts';

test('a resync with a failed evaluation is complete once a retry succeeds', async () => {
  const world = new World(new FakeClock());
  const { progress } = world;
  progress.open();
  for (const name of ['a', 'b']) progress.add(`shop/${world.add(name, { nodeName: 'arm64-1' }).name}`);
  progress.close();
  world.failing.add('shop/a');
  await expect(world.reconcile('a')).rejects.toThrow('no answer');
  await world.reconcile('b');
  expect(progress.completedAtMs).toBeUndefined();
  world.failing.clear();
  await world.reconcile('a');
  expect(progress.completedAtMs).toBe(world.clock.now());
});
