import { describe, expect, test } from '@jest/globals';
import type { PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import { FakeClock } from '@archpolicy/testkit';
import { World } from '../fixtures/world.ts';

const MINUTE = 60_000;

/** Adds misplaced pods of a Deployment. */
function misplaced(world: World, namespace: string, workload: string, count: number): void {
  world.namespaces.set(namespace, { name: namespace, labels: {}, annotations: {} });
  for (let index = 0; index < count; index += 1) {
    world.add(`${workload}-${index}`, ownedBy(namespace, workload, `${namespace}-${workload}-${index}`));
  }
}

const ownedBy = (namespace: string, workload: string, uid: string): Partial<PodFacts> => ({
  namespace,
  uid,
  owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-5d4f`, uid: 'rs' },
});

/** Creates a world, ten minutes after its leader started, in which every replacement is bound to the same node. */
async function worldWith(replacementNode: () => string): Promise<World> {
  const world = new World(new FakeClock());
  await world.clock.advance(10 * MINUTE);
  let replaced = 0;
  world.answer = async ({ namespace, name }) => {
    const key = `${namespace}/${name}`;
    const evicted = world.pods.get(key);
    world.pods.delete(key);
    replaced += 1;
    const uid = `replacement-${replaced}`;
    const owner = evicted?.owner?.name.replace('-5d4f', '') ?? '';
    await world.bind(`${owner}-r${replaced}`, replacementNode(), ownedBy(namespace, owner, uid));
    return { kind: 'evicted' };
  };
  return world;
}

/** Evaluates all pods, and evicts queued ones, until no further pod is evicted. */
async function workUntilStable(world: World): Promise<void> {
  for (let before = -1; before !== world.evictions.length;) {
    before = world.evictions.length;
    for (const pod of [...world.pods.values()]) {
      await world.work(podKey(pod));
    }
  }
}

const reasons = (world: World): ReadonlySet<string | undefined> =>
  new Set([...world.pods.values()].map((pod) => world.stats.get(podKey(pod))?.reason));

describe('a scheduler that binds every replacement to the wrong architecture', () => {
  test('R6 R7 the evictions of one owner stop at three that have not landed right', async () => {
    const world = await worldWith(() => 'amd64-1');
    misplaced(world, 'shop', 'web', 8);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(3);
    expect(world.ledger.brakeState(world.clock.monotonic())).toEqual({ kind: 'running' });
    await world.clock.advance(10 * MINUTE);
    await workUntilStable(world);
    // Three more, whose violations are the first of a new window: six of one owner now.
    expect(world.evictions.length).toBeLessThanOrEqual(6);
  });

  test('R7 violations of several owners stop all evictions, and one trial is allowed ten minutes later', async () => {
    const world = await worldWith(() => 'amd64-1');
    for (const [namespace, workload] of [
      ['shop', 'web'],
      ['shop', 'api'],
      ['bank', 'web'],
      ['bank', 'job'],
    ] as const) {
      misplaced(world, namespace, workload, 8);
    }
    await workUntilStable(world);
    // Three of shop/web and two of shop/api pause these two owners. The first one of bank/web pauses all evictions.
    expect(world.evictions).toHaveLength(6);
    expect(world.ledger.brakeState(world.clock.monotonic())).toMatchObject({ kind: 'paused', violations: 6 });
    misplaced(world, 'other', 'pods', 1);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(6);
    expect(world.stats.get('other/pods-0')?.reason).toBe('EvictionsStopped');
    await world.clock.advance(10 * MINUTE);
    await workUntilStable(world);
    expect(world.evictions).toHaveLength(7);
    expect(world.violations).toHaveLength(7);
  });

  test('R7 the scheduler recovers: the trial lands right, and all pods are moved', async () => {
    let target = 'amd64-1';
    const world = await worldWith(() => target);
    for (const namespace of ['shop', 'bank']) {
      for (const workload of ['web', 'api']) misplaced(world, namespace, workload, 4);
    }
    await workUntilStable(world);
    expect(reasons(world)).toContain('EvictionsStopped');
    target = 'arm64-1';
    for (let minute = 0; minute < 40; minute += 1) {
      await world.clock.advance(MINUTE);
      await workUntilStable(world);
    }
    expect(reasons(world)).toEqual(new Set(['Fits']));
    expect(world.ledger.brakeState(world.clock.monotonic())).toEqual({ kind: 'running' });
  });
});

describe('a tenant cannot stop the evictions of others', () => {
  test('R7 by pods that are created with spec.nodeName on the wrong node', async () => {
    const world = await worldWith(() => 'amd64-1');
    world.answer = async ({ namespace, name }) => {
      const evicted = world.pods.get(`${namespace}/${name}`);
      world.pods.delete(`${namespace}/${name}`);
      const workload = evicted?.owner?.name.replace('-5d4f', '') ?? '';
      world.add(`${name}-again`, ownedBy(namespace, workload, `again-${name}-${namespace}`));
      await world.work(`${namespace}/${name}-again`);
      return { kind: 'evicted' };
    };
    for (const namespace of ['shop', 'bank']) {
      for (const workload of ['web', 'api']) misplaced(world, namespace, workload, 4);
    }
    await workUntilStable(world);
    // None has the annotation of the webhook, so each slot is passed on twice (R6).
    expect([world.landings.length, new Set(world.landings)]).toEqual([4 * 3 * 3, new Set(['bypassed'])]);
    expect([world.violations, world.ledger.brakeState(world.clock.monotonic())]).toEqual([[], { kind: 'running' }]);
  });

  test('R7 by twenty pods with forged decision annotations', async () => {
    const world = await worldWith(() => 'arm64-1');
    const forged = JSON.stringify({ v: 1, kind: 'constrain', reason: 'ImagesSupport', architectures: ['arm64'] });
    for (let index = 0; index < 20; index += 1) {
      await world.bind(`forged-${index}`, 'amd64-1', {
        ...ownedBy('shop', `forged-${index}`, `forged-${index}`),
        annotations: { 'archpolicy.dev/decision': forged },
      });
    }
    misplaced(world, 'bank', 'web', 2);
    await workUntilStable(world);
    expect(world.violations).toEqual([]);
    expect(world.stats.get('bank/web-0')).toBeUndefined();
    expect(world.evictions.map(({ namespace }) => namespace)).toContain('bank');
  });
});

describe('what counts as a violation', () => {
  const arm = { requiredAffinity: { nodeSelectorTerms: [requiring('arm64')] } };

  test('R7 a pod bound to a node that its own terms exclude, once', async () => {
    const world = await worldWith(() => 'amd64-1');
    await world.bind('x', 'amd64-1', arm);
    await world.reconcile('x');
    expect(world.violations).toEqual(['against-terms']);
  });

  test('R7 not a pod whose terms allow its node', async () => {
    const world = await worldWith(() => 'amd64-1');
    await world.bind('x', 'arm64-1', arm);
    expect(world.violations).toEqual([]);
  });

  test('R7 not a wrong landing while the webhook is unreachable', async () => {
    const world = await worldWith(() => {
      world.webhook.answers = false;
      return 'amd64-1';
    });
    misplaced(world, 'shop', 'web', 1);
    await workUntilStable(world);
    expect([world.landings, world.violations]).toEqual([['wrong'], []]);
  });

  test('R7 not a wrong landing whose owner has opted out', async () => {
    const world = await worldWith(() => 'amd64-1');
    misplaced(world, 'shop', 'web', 1);
    world.answer = async () => {
      const annotations = { 'archpolicy.dev/allow-eviction': 'false', 'archpolicy.dev/decision': '{"v":1}' };
      await world.bind('x', 'amd64-1', { ...ownedBy('shop', 'web', 'x'), annotations });
      return { kind: 'evicted' };
    };
    await world.reconcile('web-0');
    expect([world.landings, world.violations]).toEqual([['wrong'], []]);
  });
});

test('R6 deleted owners are dropped', async () => {
  const world = new World(new FakeClock());
  await world.clock.advance(10 * MINUTE);
  misplaced(world, 'shop', 'web', 1);
  await world.reconcile('web-0');
  await world.remove('web-0');
  expect(world.replacements.size).toBe(1);
  await world.clock.advance(20 * MINUTE);
  misplaced(world, 'shop', 'api', 1);
  await world.reconcile('api-0');
  expect(world.replacements.size).toBe(1);
});

function requiring(architecture: string) {
  const expression = { key: 'kubernetes.io/arch', operator: 'In', values: [architecture] } as const;
  return { matchExpressions: [expression], matchFields: [] };
}
