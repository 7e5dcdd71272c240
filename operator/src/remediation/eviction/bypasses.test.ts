import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;
const SECOND = 1_000;
const OWNER = 'shop/Deployment/web';
/** The annotations of a pod that was created while the webhook was unreachable. */
const BYPASSED = { annotations: {} };

/** Three replacements of one owner are created while the webhook is unreachable, and are bound to a wrong node. */
async function outage(): Promise<World> {
  const world = new World(new FakeClock());
  await world.clock.advance(10 * MINUTE);
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) world.add(name);
  world.answer = ({ name }) => {
    world.webhook = { ...world.webhook, reachable: name !== 'c', answers: name !== 'c' };
    return { kind: 'evicted' };
  };
  for (const name of names) await world.reconcile(name);
  expect([world.evictions.length, world.getReason('d')]).toEqual([3, 'WebhookUnreachable']);
  const createdAtMs = world.clock.now() + SECOND;
  for (const name of ['a', 'b', 'c']) {
    await world.remove(name);
    await world.bind(`${name}-2`, 'amd64-1', { ...BYPASSED, createdAtMs });
  }
  return world;
}

/** The webhook is reachable again after the grace period of the new pods. */
async function recover(world: World): Promise<void> {
  await world.clock.advance(MINUTE);
  world.webhook = { ...world.webhook, reachable: true, answers: true };
  world.answer = () => ({ kind: 'evicted' });
}

describe('replacements that were created while the webhook was unreachable', () => {
  test('R6 are evicted as soon as it is reachable, although their owner has no free slot', async () => {
    const world = await outage();
    expect([world.landings, world.violations]).toEqual([['bypassed', 'bypassed', 'bypassed'], []]);
    await recover(world);
    for (const name of ['a-2', 'b-2', 'c-2', 'd']) await world.reconcile(name);
    expect(world.evictions.slice(3).map(({ name }) => name)).toEqual(['a-2', 'b-2', 'c-2']);
    expect(world.getReason('d')).toBe('OwnerLimit');
    for (const name of ['a-2', 'b-2', 'c-2']) {
      await world.remove(name);
      await world.replace(`${name}-3`, 'arm64-1');
    }
    await world.reconcile('d');
    expect(world.evictions.at(-1)?.name).toBe('d');
    expect(world.ledger.countSlots(OWNER, world.clock.monotonic())).toBe(1);
  });

  test('R6 are evicted by the next leader, which has not observed the outage', async () => {
    const first = new World(new FakeClock());
    await first.clock.advance(10 * MINUTE);
    for (const name of ['a', 'b', 'c']) first.add(name);
    for (const name of ['a', 'b', 'c']) await first.reconcile(name);
    const next = new World(first.clock);
    await first.clock.advance(SECOND);
    for (const name of ['a-2', 'b-2', 'c-2'])
      next.add(name, { ...BYPASSED, createdAtMs: first.clock.now() + SECOND, nodeName: 'amd64-1' });
    const nowMs = first.clock.monotonic();
    next.ledger.restore(first.ledger.snapshot(nowMs), nowMs, nowMs);
    const resumed = next.replacements.resume();
    for (const key of resumed) await next.work(key);
    expect([next.landings, next.violations]).toEqual([['bypassed', 'bypassed', 'bypassed'], []]);
    expect(next.evictions.map(({ name }) => name)).toEqual(['a-2', 'b-2', 'c-2']);
    expect(next.ledger.countSlots(OWNER, nowMs)).toBe(3);
  });
});

describe('the difference between a replacement that the webhook placed and one that it did not', () => {
  test.each([
    ['placed', { annotations: { 'archpolicy.dev/decision': '{"v":1}' } }, 1, 'OwnerLimit'],
    ['not placed', BYPASSED, 3, 'OwnerLimit'],
  ])('R6 %s: an owner with one slot has bounded evictions', async (_, changes, expected, reason) => {
    const world = new World(new FakeClock());
    world.add('a');
    await world.reconcile('a');
    await world.remove('a');
    for (let round = 1; round <= 5; round += 1) {
      await world.replace(`a-${round}`, 'amd64-1', changes);
      await world.clock.advance(40 * SECOND);
      await world.reconcile(`a-${round}`);
      if (world.evictions.at(-1)?.name === `a-${round}`) await world.remove(`a-${round}`);
    }
    expect([world.evictions.length, world.getReason('a-5')]).toEqual([expected, reason]);
  });

  test('R7 a replacement that bypassed the webhook counts for the brake if the webhook is reachable', async () => {
    const world = new World(new FakeClock());
    world.add('a');
    await world.reconcile('a');
    await world.remove('a');
    await world.bind('a-2', 'amd64-1', BYPASSED);
    expect([world.landings, world.violations]).toEqual([['bypassed'], ['landed-wrong']]);
  });
});
