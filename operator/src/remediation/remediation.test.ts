import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { node, policy } from '../fixtures/objects.ts';
import { World } from './fixtures/world.ts';

const MINUTE = 60_000;
const newWorld = (): World => new World(new FakeClock());

describe('a misplaced pod', () => {
  test('R8 is evicted with its UID and version, counted and reported', async () => {
    const world = newWorld();
    world.add('a');
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([{ namespace: 'shop', name: 'a', uid: 'uid-a', resourceVersion: '1' }]);
    expect(world.evicted).toEqual(['default']);
    expect(world.events).toEqual([
      {
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'a', uid: 'uid-a' },
        type: 'Normal',
        reason: 'Misplaced',
        action: 'Evict',
        note: 'Pod a of Deployment web was evicted: node amd64-1 (amd64) cannot run registry.test/web:v1; its images run on arm64.',
      },
    ]);
  });

  test('P3 is not evicted again while it is terminating, nor if it is not deleted', async () => {
    const world = newWorld();
    world.add('a');
    await world.reconcile('a');
    await world.reconcile('a');
    expect(world.getReason('a')).toBe('AlreadyEvicted');
    world.add('a', { deleting: true });
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });

  test('P3 a pod of the same name with another UID is evaluated on its own', async () => {
    const world = newWorld();
    world.add('a');
    await world.reconcile('a');
    world.add('a', { uid: 'uid-2', nodeName: 'arm64-1' });
    await world.reconcile('a');
    expect([world.evictions.length, world.getReason('a')]).toEqual([1, 'Fits']);
  });

  test('R1 waits for the rest of its grace period', async () => {
    const world = newWorld();
    world.add('a', { scheduled: { value: true, sinceMs: world.clock.now() - 20_000 } });
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 10_000 });
    expect(world.evictions).toEqual([]);
    expect(world.events).toEqual([]);
  });

  test('R1 in Audit is reported, not evicted', async () => {
    const world = newWorld();
    world.policies = [policy({ mode: 'Audit' })];
    world.add('a');
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([]);
    expect(world.events.map(({ type, reason, note }) => [type, reason, note])).toEqual([
      ['Warning', 'AuditMode', expect.stringMatching(/is misplaced: .* Not evicted: its policy has mode Audit/u)],
    ]);
    expect(world.stats.counts('default')).toMatchObject({ matched: 1, misplaced: 1 });
  });

  test('R1 is reported once for each reason', async () => {
    const world = newWorld();
    world.policies = [policy({ remediation: { action: 'Report' } })];
    world.add('a');
    await world.reconcile('a');
    await world.reconcile('a');
    world.policies = [policy({ mode: 'Audit' })];
    await world.reconcile('a');
    expect(world.events.map(({ reason }) => reason)).toEqual(['ReportOnly', 'AuditMode']);
    await world.clock.advance(50 * MINUTE);
    await world.reconcile('a');
    expect(world.events.map(({ reason }) => reason)).toEqual(['ReportOnly', 'AuditMode', 'AuditMode']);
  });

  test.each([
    ['pod', { 'archpolicy.dev/skip': 'true' }, {}],
    ['namespace', {}, { 'archpolicy.dev/skip': 'true' }],
  ])('R1 whose %s has the skip label is not counted', async (_what, podLabels, labels) => {
    const world = newWorld();
    world.namespaces.set('shop', { name: 'shop', labels, annotations: {} });
    world.add('a', { labels: { 'pod-template-hash': 'abc', ...podLabels } });
    await world.reconcile('a');
    expect([world.evictions, world.stats.counts('default').matched]).toEqual([[], 0]);
  });

  test('R1 in a terminating namespace is not evicted, inspected or counted, also when the namespace is deleted before the call', async () => {
    const world = newWorld();
    const deleting = { name: 'shop', labels: {}, annotations: {}, deleting: true } as const;
    world.onConfirm = () => world.namespaces.set('shop', deleting);
    world.add('a');
    await world.reconcile('a');
    expect([world.evictions, world.stats.counts('default').matched]).toEqual([[], 0]);
    world.failing.add('shop/b');
    world.add('b');
    await world.reconcile('b');
    expect([world.evictions, world.events, world.stats.counts('default').matched]).toEqual([[], [], 0]);
  });

  test('R2 of a Job is evicted if the Job survives that, and not if that is not known', async () => {
    const world = newWorld();
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'once', uid: 'job' };
    world.add('a', { owner });
    await world.reconcile('a');
    expect(world.getReason('a')).toBe('JobUnknown');
    const job = {
      ended: false,
      backoffLimit: 6,
      backoffLimitPerIndex: false,
      failed: 0,
      onDisruption: 'Counted',
    } as const;
    world.jobs.set('shop/once', job);
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });

  test('R4 stays if no node could take its replacement', async () => {
    const world = newWorld();
    world.nodes.set('arm64-1', node('arm64-1', 'arm64', { ready: false }));
    world.add('a');
    await world.reconcile('a');
    expect(world.getReason('a')).toBe('NoNodeForReplacement');
  });

  test('an unknown image is inspected again with growing delays', async () => {
    const world = newWorld();
    world.images.set('registry.test/web:v1', { kind: 'unresolved', reason: 'Unavailable' });
    world.add('a');
    const delays = [await world.reconcile('a'), await world.reconcile('a'), await world.reconcile('a')];
    expect(delays.map(({ requeueAfterMs }) => requeueAfterMs)).toEqual([2_000, 4_000, 8_000]);
    expect(world.stats.counts('default').unresolved).toBe(1);
    world.images.set('registry.test/web:v1', {
      kind: 'unresolved',
      reason: 'RateLimited',
      retryAtMs: world.clock.now() + MINUTE,
    });
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: MINUTE });
  });

  test('without a policy, or after its policy is deleted, is not counted', async () => {
    const world = newWorld();
    world.policies = [policy({ mode: 'Audit' })];
    world.add('a');
    await world.reconcile('a');
    world.policies = [];
    await world.reconcile('a');
    expect(world.stats.get('shop/a')).toBeUndefined();
  });
});
