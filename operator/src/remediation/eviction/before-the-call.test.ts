import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { node, policy } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;
const newWorld = (): World => new World(new FakeClock());

describe('checks right before the call', () => {
  test('R8 the pod is evaluated again: it runs now', async () => {
    const world = newWorld();
    world.add('a');
    const running = { name: 'main', image: '', ready: true, running: true, restartCount: 0 };
    world.current.set('shop/a', world.pod('a', { ready: { value: true, sinceMs: 0 }, containers: [running] }));
    await world.reconcile('a');
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'ReadyOnWrongArchitecture']);
    expect(world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())).toBe(0);
  });

  test.each<[string, (world: World) => void]>([
    [
      'has action Report now',
      (world) => (world.policies = [{ ...policy({ remediation: { action: 'Report' } }), generation: 2 }]),
    ],
    ['is in Audit now', (world) => (world.policies = [{ ...policy({ mode: 'Audit' }), generation: 2 }])],
    ['was deleted', (world) => (world.policies = [])],
    ['was created again', (world) => (world.policies = [{ ...policy({ mode: 'Audit' }), uid: 'another' }])],
  ])('R1 its policy %s: nothing is sent, and it is evaluated again', async (_, change) => {
    const world = newWorld();
    world.add('a');
    world.onConfirm = () => {
      change(world);
    };
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 50 });
    expect([world.evictions, world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())]).toEqual([[], 0]);
    await world.reconcile('a');
    expect(world.evictions).toEqual([]);
  });

  test('R1 its namespace has the skip label now: nothing is sent', async () => {
    const world = newWorld();
    world.add('a');
    world.onConfirm = () => {
      world.namespaces.set('shop', { name: 'shop', labels: { 'archpolicy.dev/skip': 'true' }, annotations: {} });
    };
    await world.reconcile('a');
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'Skipped']);
  });

  test('R8 it has just become Ready: the UID is the only precondition', async () => {
    const world = newWorld();
    const crashing = world.add('a').containers.map((status) => ({ ...status, ready: true, running: true }));
    const scheduled = { value: true, sinceMs: world.clock.now() - 60 * MINUTE };
    world.policies = [policy({ remediation: { includeReady: true } })];
    world.add('a', { scheduled, ready: { value: true, sinceMs: world.clock.now() }, containers: crashing });
    await world.reconcile('a');
    expect(world.evictions).toEqual([{ namespace: 'shop', name: 'a', uid: 'uid-a' }]);
  });

  test.each([
    ['gone', 'gone' as const],
    ['another one of the same name', 'other' as const],
  ])('R8 the pod is %s: nothing is sent', async (_, what) => {
    const world = newWorld();
    world.add('a');
    world.current.set('shop/a', what === 'gone' ? 'gone' : world.pod('a', { uid: 'uid-2' }));
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([]);
  });

  test.each([
    ['another node of the same name with another architecture', node('amd64-1', 'arm64', { uid: 'another' })],
    ['another one of the same name', node('amd64-1', 'amd64', { uid: 'another' })],
    ['reinstalled with another architecture', node('amd64-1', 'arm64')],
    ['gone', 'gone' as const],
  ])('R8 its node is %s, which the watch has not shown: nothing is sent', async (_, current) => {
    const world = newWorld();
    world.add('a');
    world.currentNodes.set('amd64-1', current);
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 10_000 });
    expect([world.evictions, world.ledger.countSlots('shop/Deployment/web', world.clock.monotonic())]).toEqual([[], 0]);
    world.currentNodes.clear();
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });

  test('R8 R10 its node is not Ready now: nothing is sent', async () => {
    const world = newWorld();
    world.add('a');
    world.currentNodes.set('amd64-1', node('amd64-1', 'amd64', { ready: false }));
    await world.reconcile('a');
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'NodeNotReady']);
  });

  test('R7 a replacement that landed wrong because its node was replaced is not a violation', async () => {
    const world = newWorld();
    world.add('a');
    await world.reconcile('a');
    await world.remove('a');
    world.currentNodes.set('amd64-1', node('amd64-1', 'arm64', { uid: 'another' }));
    await world.bind('x', 'amd64-1', { uid: 'x' });
    expect([world.landings, world.violations]).toEqual([['wrong'], []]);
  });

  test('R8 P3 the Lease was lost: nothing is sent', async () => {
    const world = newWorld();
    world.add('a');
    world.isLeader = false;
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([]);
  });

  test('R3 the webhook does not respond: the pod waits until it is reachable', async () => {
    const world = newWorld();
    world.add('a');
    world.webhook.answers = false;
    expect(await world.reconcile('a')).toEqual({});
    expect([world.evictions, world.getReason('a')]).toEqual([[], 'WebhookUnreachable']);
    expect([...world.limitQueues.waitingForWebhook()]).toEqual(['shop/a']);
    world.webhook = { reachable: true, answers: true, call: 'called' };
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });
});
