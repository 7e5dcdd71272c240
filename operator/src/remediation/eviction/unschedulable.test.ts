import { describe, expect, test } from '@jest/globals';
import type { ArchPolicy, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { policy, resolved } from '../../fixtures/objects.ts';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AMD64 = { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] } as const;
const ADDED = {
  path: '/spec/affinity',
  value: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [AMD64] }] },
    },
  },
};
const RECORD = { v: 1, policy: 'default', kind: 'constrain', reason: 'Preferred', architectures: ['amd64'], terms: 1 };

const prefersAmd64 = (relaxedUntilMs?: number): ArchPolicy =>
  policy({ preference: { architectures: ['amd64'] } }, 'default', {
    status: {
      ...(relaxedUntilMs !== undefined && {
        relaxed: [{ owner: 'shop/Deployment/web', until: new Date(relaxedUntilMs).toISOString() }],
      }),
    },
  });

const ANNOTATION = { 'archpolicy.dev/decision': JSON.stringify({ ...RECORD, added: [ADDED] }) };
const OPTED_OUT = { ...ANNOTATION, 'archpolicy.dev/allow-eviction': 'false' };
const CLUSTER = { apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster', name: 'db', uid: 'db' };
const JOB = { apiVersion: 'batch/v1', kind: 'Job', name: 'import-29000000', uid: 'job' };

/** Creates a world whose policy prefers amd64, and a pod that has been unschedulable there for `ageMs` although its image runs everywhere. */
async function worldWith(ageMs: number, changes: Partial<PodFacts> = {}): Promise<World> {
  const world = new World(new FakeClock());
  world.images.set('registry.test/web:v1', resolved('linux/amd64', 'linux/arm64'));
  world.policies = [prefersAmd64()];
  const { nodeName, ...pending } = world.pod('a', {
    phase: 'Pending',
    containers: [],
    requiredAffinity: { nodeSelectorTerms: [{ matchExpressions: [AMD64], matchFields: [] }] },
    annotations: ANNOTATION,
    // The condition is an hour old, because the pod was behind a gate.
    scheduled: { value: false, sinceMs: world.clock.now() - HOUR, reason: 'Unschedulable' },
    ...changes,
  } satisfies Partial<PodFacts>);
  expect(nodeName).toBeDefined();
  world.put(pending);
  await world.clock.advance(ageMs);
  return world;
}

describe('a pod that is unschedulable because of our constraint', () => {
  test('R9 is evaluated again after two minutes, and then counts as unschedulable', async () => {
    const world = await worldWith(MINUTE);
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: MINUTE });
    expect([world.stats.counts('default').unschedulable, world.relaxations]).toEqual([0, []]);
    await world.clock.advance(MINUTE);
    await world.reconcile('a');
    expect(world.stats.counts('default').unschedulable).toBe(1);
  });

  test('R9 its workload is relaxed first, and it is evicted once the policy’s status shows that', async () => {
    const world = await worldWith(2 * MINUTE);
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 2_000 });
    const untilMs = world.clock.now() + HOUR;
    expect(world.relaxations).toEqual([{ policy: 'default', workload: 'shop/Deployment/web', architecture: 'amd64' }]);
    expect(world.evictions).toEqual([]);
    world.policies = [prefersAmd64(untilMs)];
    await world.reconcile('a');
    expect(world.evictions).toEqual([{ namespace: 'shop', name: 'a', uid: 'uid-a', resourceVersion: '1' }]);
    expect(world.events.map(({ reason, note }) => [reason, note])).toEqual([
      [
        'PreferenceRelaxed',
        'Pod a of Deployment web was evicted: it was unschedulable, and ArchPolicy constrained it to amd64 nodes (Preferred). The preference of its policy is temporarily relaxed for its workload (status.relaxed).',
      ],
    ]);
  });

  test('R9 while the status has no room for its workload, it is evaluated with growing delays', async () => {
    const world = await worldWith(2 * MINUTE);
    const delays: (number | undefined)[] = [];
    for (let round = 0; round < 10; round += 1) delays.push((await world.reconcile('a')).requeueAfterMs);
    expect(delays.map((ms) => (ms ?? 0) / 1_000)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(world.getReason('a')).toBe('Relaxing');
  });

  test('R9 R6 one of many is evicted, and the others once its replacement has landed', async () => {
    const world = await worldWith(2 * MINUTE);
    world.policies = [prefersAmd64(world.clock.now() + HOUR)];
    const first = world.pods.get('shop/a');
    if (first !== undefined) world.put({ ...first, name: 'b', uid: 'uid-b' });
    await world.clock.advance(2 * MINUTE);
    await world.reconcile('a');
    await world.reconcile('b');
    expect([world.evictions.length, world.getReason('b')]).toEqual([1, 'OwnerLimit']);
    await world.remove('a');
    await world.bind('x', 'arm64-1', { uid: 'x' });
    await world.reconcile('b');
    expect([world.landings, world.evictions.length]).toEqual([['right'], 2]);
  });

  test('R9 is reported with the constraint if no other node would take it', async () => {
    const world = await worldWith(2 * MINUTE);
    world.nodes.delete('arm64-1');
    await world.reconcile('a');
    expect([world.getReason('a'), world.relaxations]).toEqual(['Unschedulable', []]);
    expect(world.events.map(({ type, reason, note }) => [type, reason, note])).toEqual([
      ['Warning', 'Unschedulable', expect.stringMatching(/constrained it to amd64 nodes \(Preferred\)\. Not evicted/u)],
    ]);
  });

  test.each<[string, string, Partial<PodFacts>, Partial<ArchPolicy['spec']['remediation']>]>([
    ['an owner that is not known to replace it', 'UnknownOwner', { owner: CLUSTER }, {}],
    ['a policy that reports', 'ReportOnly', {}, { action: 'Report' }],
    ['an owner that opted out', 'OptedOut', { annotations: OPTED_OUT }, {}],
    ['a Job that cannot be read', 'JobUnknown', { owner: JOB }, {}],
  ])('R9 of %s is not evicted (%s), but its workload is relaxed', async (_, reason, changes, remediation) => {
    const world = await worldWith(2 * MINUTE, changes);
    const { spec, ...rest } = prefersAmd64();
    world.policies = [{ ...rest, spec: { ...spec, remediation: { ...spec.remediation, ...remediation } } }];
    await world.reconcile('a');
    expect([world.getReason('a'), world.evictions, world.relaxations.length]).toEqual([reason, [], 1]);
  });

  test('R9 that is bound in between counts from when it was unschedulable again', async () => {
    const world = await worldWith(MINUTE);
    const stuck = world.pods.get('shop/a');
    if (stuck === undefined) throw new Error('no pod');
    world.put({ ...stuck, scheduled: { value: true, sinceMs: world.clock.now() } });
    world.put(stuck);
    await world.clock.advance(MINUTE);
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: MINUTE });
    await world.remove('a');
    expect(world.unschedulable.size).toBe(0);
  });

  test('R9 in Audit is reported, and nothing is relaxed', async () => {
    const world = await worldWith(2 * MINUTE);
    const { spec, ...rest } = prefersAmd64();
    world.policies = [{ ...rest, spec: { ...spec, mode: 'Audit' } }];
    await world.reconcile('a');
    expect([world.getReason('a'), world.relaxations, world.evictions]).toEqual(['AuditMode', [], []]);
  });

  test('R9 that has been bound meanwhile is ignored', async () => {
    const world = await worldWith(2 * MINUTE);
    world.policies = [prefersAmd64(world.clock.now() + HOUR)];
    world.current.set('shop/a', world.pod('a', { nodeName: 'arm64-1' }));
    await world.reconcile('a');
    expect(world.evictions).toEqual([]);
  });
});
