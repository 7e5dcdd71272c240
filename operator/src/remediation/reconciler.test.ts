import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { node, policy, resolved } from '../testing/objects.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
const newWorld = (): World => new World(new FakeClock());

describe('a misplaced pod', () => {
  test('R8 is evicted with its UID and version, counted and told', async () => {
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

  test('P3 is not evicted again while it ends, nor when it does not end', async () => {
    const world = newWorld();
    world.add('a');
    await world.reconcile('a');
    await world.reconcile('a');
    expect(world.reasonOf('a')).toBe('AlreadyEvicted');
    world.add('a', { deleting: true });
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });

  test('P3 a pod of the same name and another UID is judged for itself', async () => {
    const world = newWorld();
    world.add('a');
    await world.reconcile('a');
    world.add('a', { uid: 'uid-2', nodeName: 'arm64-1' });
    await world.reconcile('a');
    expect([world.evictions.length, world.reasonOf('a')]).toEqual([1, 'Fits']);
  });

  test('R1 waits for the rest of its grace period', async () => {
    const world = newWorld();
    world.add('a', { scheduled: { value: true, sinceMs: world.clock.now() - 20_000 } });
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 10_000 });
    expect(world.evictions).toEqual([]);
    expect(world.events).toEqual([]);
  });

  test('R1 in Audit is told about and left', async () => {
    const world = newWorld();
    world.policies = [policy({ mode: 'Audit' })];
    world.add('a');
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([]);
    expect(world.events.map(({ type, reason, note }) => [type, reason, note])).toEqual([
      ['Warning', 'AuditMode', expect.stringMatching(/is misplaced: .* Not evicted: its policy is in mode Audit/u)],
    ]);
    expect(world.stats.counts('default')).toMatchObject({ matched: 1, misplaced: 1 });
  });

  test('R1 is told about once for each reason', async () => {
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
  ])('R1 whose %s is marked to be skipped is counted nowhere', async (_what, podLabels, labels) => {
    const world = newWorld();
    world.namespaces.set('shop', { name: 'shop', labels, annotations: {} });
    world.add('a', { labels: { 'pod-template-hash': 'abc', ...podLabels } });
    await world.reconcile('a');
    expect([world.evictions, world.stats.counts('default').matched]).toEqual([[], 0]);
  });

  test('R2 of a Job is evicted where the Job survives it, and not where nobody knows', async () => {
    const world = newWorld();
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'once', uid: 'job' };
    world.add('a', { owner });
    await world.reconcile('a');
    expect(world.reasonOf('a')).toBe('JobUnknown');
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

  test('R4 stays where no node could take its replacement', async () => {
    const world = newWorld();
    world.nodes.set('arm64-1', node('arm64-1', 'arm64', { ready: false }));
    world.add('a');
    await world.reconcile('a');
    expect(world.reasonOf('a')).toBe('NoNodeForReplacement');
  });

  test('an image that is not known is asked about again, later each time', async () => {
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

  test('of no policy, or of none any more, is forgotten', async () => {
    const world = newWorld();
    world.policies = [policy({ mode: 'Audit' })];
    world.add('a');
    await world.reconcile('a');
    world.policies = [];
    await world.reconcile('a');
    expect(world.stats.get('shop/a')).toBeUndefined();
  });
});

describe('right before the call', () => {
  test('R8 the pod is judged again as it is now: it runs', async () => {
    const world = newWorld();
    world.add('a');
    const running = { name: 'main', image: '', ready: true, running: true, restartCount: 0 };
    world.current.set('shop/a', world.pod('a', { ready: { value: true, sinceMs: 0 }, containers: [running] }));
    await world.reconcile('a');
    expect([world.evictions, world.reasonOf('a')]).toEqual([[], 'Ready']);
    expect(world.ledger.placesOf('shop/Deployment/web', world.clock.monotonic())).toBe(0);
  });

  test.each<[string, (world: World) => void]>([
    [
      'says Report by now',
      (world) => (world.policies = [{ ...policy({ remediation: { action: 'Report' } }), generation: 2 }]),
    ],
    ['is in Audit by now', (world) => (world.policies = [{ ...policy({ mode: 'Audit' }), generation: 2 }])],
    ['is gone', (world) => (world.policies = [])],
    ['was made again', (world) => (world.policies = [{ ...policy({ mode: 'Audit' }), uid: 'another' }])],
  ])('R1 its policy %s: nothing is sent, and it is looked at anew', async (_, change) => {
    const world = newWorld();
    world.add('a');
    world.onConfirm = () => {
      change(world);
    };
    expect(await world.reconcile('a')).toEqual({ requeueAfterMs: 50 });
    expect([world.evictions, world.ledger.placesOf('shop/Deployment/web', world.clock.monotonic())]).toEqual([[], 0]);
    await world.reconcile('a');
    expect(world.evictions).toEqual([]);
  });

  test('R1 its namespace is marked to be skipped by now: nothing is sent', async () => {
    const world = newWorld();
    world.add('a');
    world.onConfirm = () => {
      world.namespaces.set('shop', { name: 'shop', labels: { 'archpolicy.dev/skip': 'true' }, annotations: {} });
    };
    await world.reconcile('a');
    expect([world.evictions, world.reasonOf('a')]).toEqual([[], 'Skipped']);
  });

  test('R8 it is Ready for a moment: the UID alone', async () => {
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
    ['another of the same name', 'other' as const],
  ])('R8 the pod is %s: nothing is sent', async (_, what) => {
    const world = newWorld();
    world.add('a');
    world.current.set('shop/a', what === 'gone' ? 'gone' : world.pod('a', { uid: 'uid-2' }));
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([]);
  });

  test('R8 P3 the Lease is not held any more: nothing is sent', async () => {
    const world = newWorld();
    world.add('a');
    world.isLeader = false;
    expect(await world.reconcile('a')).toEqual({});
    expect(world.evictions).toEqual([]);
  });

  test('R3 the webhook does not answer: the pod waits with all others, and goes when it does', async () => {
    const world = newWorld();
    world.add('a');
    world.webhook.answers = false;
    expect(await world.reconcile('a')).toEqual({});
    expect([world.evictions, world.reasonOf('a')]).toEqual([[], 'WebhookUnreachable']);
    world.remediation.onWebhookReachable();
    expect(world.woken).toEqual([{ key: 'shop/a', delayMs: 0 }]);
    world.webhook = { reachable: true, answers: true, call: 'called' };
    await world.reconcile('a');
    expect(world.evictions).toHaveLength(1);
  });
});

describe('pods of one owner', () => {
  test('R6 go one by one in a new leader’s term, each when the one before it has landed right', async () => {
    const world = newWorld();
    for (const name of ['a', 'b', 'c']) world.add(name);
    await world.reconcile('a');
    await world.reconcile('b');
    await world.reconcile('c');
    expect(world.evictions.map(({ name }) => name)).toEqual(['a']);
    expect(world.reasonOf('b')).toBe('OwnerLimit');
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

  test('R6 stop when a replacement lands wrong again', async () => {
    const world = newWorld();
    world.add('a');
    world.add('b');
    await world.reconcile('a');
    await world.replace('x', 'amd64-1');
    await world.reconcile('b');
    expect([world.evictions.length, world.landings, world.reasonOf('b')]).toEqual([1, ['wrong'], 'OwnerLimit']);
  });

  test('R6 a replacement that is there before the eviction is answered proves it all the same', async () => {
    const world = newWorld();
    world.add('a');
    world.answer = async () => {
      await world.replace('x', 'arm64-1');
      return { kind: 'evicted' };
    };
    await world.reconcile('a');
    expect(world.landings).toEqual(['right']);
    expect(world.ledger.placesOf('shop/Deployment/web', world.clock.monotonic())).toBe(0);
  });

  test('R6 replacements of several evictions each prove one, in whatever order they are looked at', async () => {
    const world = newWorld();
    await world.clock.advance(10 * MINUTE);
    for (const name of ['a', 'b', 'c']) world.add(name);
    for (const name of ['a', 'b', 'c']) {
      await world.reconcile(name);
      // There, and not on a node yet, when the next one is evicted.
      world.add(`${name}-2`, { phase: 'Pending', nodeName: 'arm64-1' });
    }
    expect(world.evictions).toHaveLength(3);
    for (const name of ['c-2', 'a-2', 'b-2']) await world.reconcile(name);
    expect(world.landings).toEqual(['right', 'right', 'right']);
  });

  test('R6 a pod that was there before proves nothing', async () => {
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

  test('R6 a replacement whose images are not known proves nothing yet', async () => {
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

  test('R6 a policy’s rate holds all its pods, and wakes the first when there is room', async () => {
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

  test('R6 a rate that is lowered while pods wait holds them by what it is now', async () => {
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

  test('R6 one that waits and goes away lets the next one go', async () => {
    const world = newWorld();
    for (const name of ['a', 'b', 'c']) world.add(name);
    for (const name of ['a', 'b', 'c']) await world.reconcile(name);
    await world.replace('x', 'arm64-1');
    await world.remove('b');
    expect(world.woken.at(-1)).toEqual({ key: 'shop/c', delayMs: 0 });
  });
});
