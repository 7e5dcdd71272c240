import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { yieldToEventLoop } from '@archpolicy/async';
import type { Inspection, PodFacts } from '@archpolicy/core';
import { podKey, PullSecretContent } from '@archpolicy/cluster-view';
import type { EventInput } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { crashLoopingPod, node, resolved, silent } from '../fixtures/objects.ts';
import { DriftMonitor } from './drift-monitor.ts';

const IMAGE = 'registry.test/web:v1';
const BOTH = ['linux/amd64', 'linux/arm64'];

/** An inspection result with its own digest. */
function content(digit: string, platforms: readonly string[], ageMs = 0): Inspection {
  const inspection = resolved(...platforms);
  if (inspection.kind === 'unresolved') return inspection;
  return { ...inspection, ageMs, facts: { ...inspection.facts, digest: `sha256:${digit.repeat(64)}` } };
}

function rig() {
  const clock = new FakeClock();
  const pods = new Map<string, PodFacts>();
  const nodes = new Map(['amd64', 'arm64'].map((name) => [`${name}-1`, node(`${name}-1`, name)]));
  const policies = new Map<string, string>();
  const events: EventInput[] = [];
  const counted: string[] = [];
  const changed: string[] = [];
  /** Number of pods that were read. */
  let read = 0;
  let answer = content('1', BOTH);
  const monitor = new DriftMonitor({
    inspector: { inspect: () => Promise.resolve(answer) },
    views: {
      pods: {
        byKey: (key) => {
          read += 1;
          return pods.get(key);
        },
        keysByImage: (image) => [...pods].filter(([, { images }]) => images.includes(image)).map(([key]) => key),
      },
      nodes: { get: (name) => nodes.get(name) },
    },
    getPolicy: (key) => policies.get(key),
    events: { record: (event) => events.push(event) },
    metrics: { contentChange: (...labels) => counted.push(labels.join(' ')) },
    clock,
    logger: silent,
  });
  monitor.subscribe((image) => changed.push(image));
  let changedLosses = 0;
  monitor.losses.subscribe(() => (changedLosses += 1));
  void monitor.run(stop.signal);
  const run = (name: string, nodeName: string, policy: string | undefined, changes: Partial<PodFacts> = {}): void => {
    const pod = crashLoopingPod(name, { nodeName, images: [IMAGE], ...changes }, clock.now());
    pods.set(podKey(pod), pod);
    if (policy !== undefined) policies.set(podKey(pod), policy);
  };
  /** @param pullSecrets used for the inspection */
  const inspect = async (next: Inspection, pullSecrets: readonly PullSecretContent[] = []): Promise<void> => {
    answer = next;
    expect(await monitor.inspector.inspect({ reference: IMAGE, budgetMs: 1, pullSecrets })).toBe(next);
    await settle();
  };
  /** Returns the sentences after a requested count. */
  const getLosses = async (policy: string): Promise<readonly string[]> => {
    monitor.losses.getLosses(policy);
    await settle();
    return monitor.losses.getLosses(policy);
  };
  const counts = { read: () => read, changedLosses: () => changedLosses };
  return { clock, pods, monitor, events, counted, changed, run, inspect, getLosses, counts };
}

/** Ends the background work of the monitors. */
let stop: AbortController;

beforeEach(() => {
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
});

/** Waits until the background work is done. */
async function settle(): Promise<void> {
  for (let index = 0; index < 5; index += 1) await yieldToEventLoop();
}

describe('the content behind a tag changes', () => {
  test.each<[string, readonly Inspection[], readonly string[]]>([
    ['the first observation', [content('1', BOTH)], []],
    ['the same content', [content('1', BOTH), content('1', BOTH)], []],
    ['another content of the same architectures', [content('1', BOTH), content('2', BOTH)], []],
    ['a lost architecture', [content('1', BOTH), content('2', ['linux/amd64'])], ['lost arm64']],
    ['a gained architecture', [content('1', ['linux/amd64']), content('2', BOTH)], ['gained arm64']],
    [
      'a replaced architecture',
      [content('1', ['linux/amd64']), content('2', ['linux/arm64'])],
      ['lost amd64', 'gained arm64'],
    ],
    [
      'a failed inspection between',
      [content('1', BOTH), { kind: 'unresolved', reason: 'Unavailable' }, content('1', BOTH)],
      [],
    ],
    ['an older result', [content('1', BOTH), content('2', ['linux/amd64'], 60_000)], []],
    ['an override of a policy', [content('1', BOTH), { ...content('2', []), source: 'override' } as Inspection], []],
  ])('%s', async (_, contents, expected) => {
    const { inspect, counted, changed } = rig();
    for (const one of contents) await inspect(one);
    expect(counted).toEqual(expected);
    expect(changed).toEqual(expected.length > 0 ? [IMAGE] : []);
  });

  test('each governed workload that uses the image gets one event, on its controller', async () => {
    const { inspect, run, events } = rig();
    run('a', 'amd64-1', 'default');
    run('b', 'arm64-1', 'default');
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'sts' };
    run('c', 'arm64-1', 'default', { owner });
    run('d', 'arm64-1', undefined, { owner: { ...owner, uid: 'another' } });
    await inspect(content('1', BOTH));
    await inspect(content('2', ['linux/amd64']));
    expect(events.map(({ regarding, type, reason }) => [regarding.kind, regarding.name, type, reason])).toEqual([
      ['ReplicaSet', 'web-5d4f', 'Warning', 'ArchitectureLost'],
      ['StatefulSet', 'db', 'Warning', 'ArchitectureLost'],
    ]);
    expect(events[0]?.note).toBe(
      `Image ${IMAGE} no longer supports arm64: its content changed from sha256:111111111111 to sha256:222222222222.`,
    );
    await inspect(content('3', BOTH));
    expect(events.at(-1)).toMatchObject({ type: 'Normal', reason: 'ArchitectureGained' });
  });

  test('P4 a drift observed with pull secrets is reported only in namespaces whose own pull secrets show it', async () => {
    const { inspect, run, events, counted } = rig();
    run('a', 'arm64-1', 'default');
    run('b', 'arm64-1', 'default', {
      namespace: 'other',
      owner: { apiVersion: 'v1', kind: 'ReplicationController', name: 'web', uid: 'rc' },
    });
    const [shop, other] = ['shop', 'other'].map((name) => [
      new PullSecretContent(name, 'kubernetes.io/dockercfg', '{}'),
    ]);
    const notified = (): readonly (string | undefined)[] => events.map(({ regarding }) => regarding.namespace);
    await inspect(content('1', BOTH), shop);
    await inspect(content('1', BOTH), other);
    await inspect(content('2', ['linux/amd64']), shop);
    expect(notified()).toEqual(['shop']);
    await inspect({ kind: 'unresolved', reason: 'Unauthorized' }, other);
    expect(notified()).toEqual(['shop']);
    await inspect(content('2', ['linux/amd64']), other);
    expect(notified()).toEqual(['shop', 'other']);
    // One drift of one image, for any number of namespaces.
    expect(counted).toEqual(['lost arm64']);
  });

  test('a lost architecture with running pods is reported per policy with image, digests and pods', async () => {
    const { clock, inspect, run, pods, getLosses } = rig();
    for (const name of ['a', 'b', 'c', 'd']) run(name, 'arm64-1', 'default');
    run('e', 'amd64-1', 'default');
    run('f', 'arm64-1', 'other');
    await inspect(content('1', BOTH));
    expect(await getLosses('default')).toEqual([]);
    await inspect(content('2', ['linux/amd64']));
    const changed = `Image ${IMAGE} lost arm64 when its content changed from sha256:111111111111 to sha256:222222222222`;
    expect(await getLosses('default')).toEqual([
      `${changed}; 4 pods run on such nodes, such as shop/a, shop/b, shop/c.`,
    ]);
    expect(await getLosses('other')).toEqual([`${changed}; 1 pod runs on such nodes: shop/f.`]);
    expect(await getLosses('none')).toEqual([]);
    pods.delete('shop/f');
    await clock.advance(5_000);
    expect(await getLosses('other')).toEqual([]);
  });

  test('a loss ends when the architecture is regained or no pod runs on it', async () => {
    const { clock, inspect, run, pods, getLosses } = rig();
    run('a', 'arm64-1', 'default');
    await inspect(content('1', BOTH));
    await inspect(content('2', ['linux/amd64']));
    // Another push without arm64 does not end the loss; its digests remain.
    await inspect(content('3', ['linux/amd64', 'linux/s390x']));
    expect((await getLosses('default'))[0]).toContain('from sha256:111111111111 to sha256:222222222222');
    await inspect(content('4', BOTH));
    expect(await getLosses('default')).toEqual([]);
    await inspect(content('5', ['linux/amd64']));
    expect(await getLosses('default')).toHaveLength(1);
    pods.clear();
    await clock.advance(5_000);
    expect(await getLosses('default')).toEqual([]);
  });

  test('P8 the pods of an image in 20,000 pods are read in pieces, and no more than the events need', async () => {
    const { inspect, run, events, counts, getLosses, monitor } = rig();
    for (let at = 0; at < 20_000; at += 1) {
      const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `web-${at % 1_000}`, uid: `rs-${at % 1_000}` };
      run(`web-${at}`, 'arm64-1', 'default', { owner });
    }
    await inspect(content('1', BOTH));
    await monitor.inspector.inspect({ reference: IMAGE, budgetMs: 1 });
    expect(counts.read()).toBe(0);
    const inspected = inspect(content('2', ['linux/amd64']));
    const pieces: number[] = [];
    for (let index = 0; index < 30; index += 1) {
      const before = counts.read();
      await yieldToEventLoop();
      pieces.push(counts.read() - before);
    }
    await inspected;
    expect(Math.max(...pieces)).toBeLessThanOrEqual(4_000);
    expect(events).toHaveLength(100);
    // All pods for the count, a hundred for the events.
    expect(counts.read()).toBeLessThan(20_200);
    expect((await getLosses('default'))[0]).toContain('20000 pods run on such nodes');
    // The statuses read the losses again and again: they are not counted again for 5 s.
    expect([counts.read() < 20_200, counts.changedLosses()]).toEqual([true, 1]);
  });

  test('P8 without losses, statuses cause no count', async () => {
    const { inspect, run, counts, getLosses } = rig();
    run('a', 'arm64-1', 'default');
    await inspect(content('1', BOTH));
    expect(await getLosses('default')).toEqual([]);
    expect([counts.read(), counts.changedLosses()]).toEqual([0, 0]);
  });
});
