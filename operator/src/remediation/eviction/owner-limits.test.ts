import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { node, policy, resolved } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;
const newWorld = (): World => new World(new FakeClock());

describe('pods of one owner', () => {
  test('R6 a new leader evicts one at a time, the next once the replacement has landed right', async () => {
    const world = newWorld();
    for (const name of ['a', 'b', 'c']) world.add(name);
    await world.reconcile('a');
    await world.reconcile('b');
    await world.reconcile('c');
    expect(world.evictions.map(({ name }) => name)).toEqual(['a']);
    expect(world.getReason('b')).toBe('OwnerLimit');
    for (const [gone, replacement, next] of [
      ['a', 'x', 'b'],
      ['b', 'y', 'c'],
    ] as const) {
      await world.remove(gone);
      await world.replace(replacement, 'arm64-1');
      expect(world.woken.at(-1)).toEqual({ key: `shop/${next}`, delayMs: 0 });
      await world.reconcile(next);
    }
    expect(world.evictions.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(world.landings).toEqual(['right', 'right']);
  });

  test('R6 evictions stop when a replacement lands wrong', async () => {
    const world = newWorld();
    world.add('a');
    world.add('b');
    await world.reconcile('a');
    await world.replace('x', 'amd64-1');
    await world.reconcile('b');
    expect([world.evictions.length, world.landings, world.getReason('b')]).toEqual([1, ['wrong'], 'OwnerLimit']);
  });

  test('R6 a replacement that exists before the response of the eviction counts', async () => {
    const world = newWorld();
    world.add('a');
    world.answer = async () => {
      await world.replace('x', 'arm64-1');
      return { kind: 'evicted' };
    };
    await world.reconcile('a');
    expect(world.landings).toEqual(['right']);
    expect(world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())).toBe(0);
  });

  test('R6 each replacement counts for one eviction, in any order of evaluation', async () => {
    const world = newWorld();
    await world.clock.advance(10 * MINUTE);
    for (const name of ['a', 'b', 'c']) world.add(name);
    for (const name of ['a', 'b', 'c']) {
      await world.reconcile(name);
      // It exists without a node when the next pod is evicted.
      world.add(`${name}-2`, { phase: 'Pending', nodeName: 'arm64-1' });
    }
    expect(world.evictions).toHaveLength(3);
    for (const name of ['c-2', 'a-2', 'b-2']) await world.reconcile(name);
    expect(world.landings).toEqual(['right', 'right', 'right']);
  });

  test('R4 R6 three replacements wait for an autoscaler, and the next eviction follows once one has landed right, even late', async () => {
    const world = newWorld();
    world.policies = [policy({ scaleFromZero: ['arm64'] })];
    world.nodes.delete('arm64-1');
    await world.clock.advance(10 * MINUTE);
    const names = ['a', 'b', 'c', 'd'] as const;
    for (const name of names) world.add(name);
    for (const name of names) await world.reconcile(name);
    expect([world.evictions.length, world.getReason('d')]).toEqual([3, 'OwnerLimit']);
    await world.clock.advance(45 * MINUTE);
    await world.reconcile('d');
    expect([world.evictions.length, world.getReason('d')]).toEqual([3, 'OwnerLimit']);
    world.nodes.set('arm64-1', node('arm64-1', 'arm64'));
    for (const name of names.slice(0, 3)) await world.remove(name);
    await world.replace('a-2', 'arm64-1');
    await world.reconcile('d');
    expect([world.evictions.length, world.landings]).toEqual([4, ['right']]);
  });

  test('R6 a pod that existed before does not count', async () => {
    const world = newWorld();
    world.add('a');
    world.add('good', { nodeName: 'arm64-1' });
    await world.reconcile('a');
    await world.reconcile('good');
    expect(world.landings).toEqual([]);
    world.add('other', {
      nodeName: 'arm64-1',
      owner: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'x' },
    });
    await world.reconcile('other');
    expect(world.landings).toEqual([]);
  });

  test('R6 a replacement whose images are unknown does not count yet', async () => {
    const world = newWorld();
    world.add('a');
    await world.reconcile('a');
    world.images.set('registry.test/web:v2', { kind: 'unresolved', reason: 'Unavailable' });
    world.add('x', { nodeName: 'arm64-1', images: ['registry.test/web:v2'] });
    await world.reconcile('x');
    expect(world.landings).toEqual([]);
    world.images.set('registry.test/web:v2', resolved('linux/arm64'));
    await world.reconcile('x');
    expect(world.landings).toEqual(['right']);
  });

  test('R6 a policy’s rate limits all its pods, and the first one is woken when it allows an eviction', async () => {
    const world = newWorld();
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 1 } })];
    const owner = (name: string) => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: name });
    for (const name of ['a', 'b', 'c']) world.add(name, { owner: owner(name) });
    for (const name of ['a', 'b', 'c']) await world.reconcile(name);
    expect(world.evictions.map(({ name }) => name)).toEqual(['a']);
    expect(world.woken).toContainEqual({ key: 'shop/b', delayMs: MINUTE });
    expect(world.woken.some(({ key }) => key === 'shop/c')).toBe(false);
    await world.clock.advance(MINUTE);
    await world.reconcile('b');
    expect(world.woken.at(-1)).toEqual({ key: 'shop/c', delayMs: MINUTE });
  });

  test('R6 after a rate is lowered, waiting pods wait for the new rate', async () => {
    const world = newWorld();
    const owner = (name: string) => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: name });
    for (const name of ['a', 'b', 'c']) world.add(name, { owner: owner(name) });
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 2 } })];
    await world.reconcile('a');
    await world.clock.advance(30_000);
    for (const name of ['b', 'c']) await world.reconcile(name);
    expect(world.woken.at(-1)).toEqual({ key: 'shop/c', delayMs: 30_000 });
    world.policies = [policy({ remediation: { maxEvictionsPerMinute: 1 } })];
    await world.clock.advance(30_000);
    await world.reconcile('c');
    expect(world.woken.at(-1)).toEqual({ key: 'shop/c', delayMs: 30_000 });
  });

  test('R6 when a waiting pod is deleted, the next one is woken', async () => {
    const world = newWorld();
    for (const name of ['a', 'b', 'c']) world.add(name);
    for (const name of ['a', 'b', 'c']) await world.reconcile(name);
    await world.replace('x', 'arm64-1');
    await world.remove('b');
    expect(world.woken.at(-1)).toEqual({ key: 'shop/c', delayMs: 0 });
  });
});
