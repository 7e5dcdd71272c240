import { describe, expect, test } from '@jest/globals';
import type { Inspection, PodFacts } from '@archpolicy/core';
import { podKey, PullSecretContent } from '@archpolicy/cluster-view';
import type { EventInput } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { crashLoopingPod, node, resolved, silent } from '../testing/objects.ts';
import { ContentWatch } from './drift-monitor.ts';

const IMAGE = 'registry.test/web:v1';
const BOTH = ['linux/amd64', 'linux/arm64'];

/** A content with a digest of its own. */
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
  let answer = content('1', BOTH);
  const watch = new ContentWatch({
    inspector: { inspect: () => Promise.resolve(answer) },
    views: {
      pods: { byImage: (image) => [...pods.values()].filter(({ images }) => images.includes(image)) },
      nodes: { get: (name) => nodes.get(name) },
    },
    policyOf: (key) => policies.get(key),
    events: { record: (event) => events.push(event) },
    metrics: { contentChange: (...labels) => counted.push(labels.join(' ')) },
    onChanged: (image) => changed.push(image),
    clock,
    logger: silent,
  });
  const run = (name: string, nodeName: string, policy: string | undefined, changes: Partial<PodFacts> = {}): void => {
    const pod = crashLoopingPod(name, { nodeName, images: [IMAGE], ...changes }, clock.now());
    pods.set(podKey(pod), pod);
    if (policy !== undefined) policies.set(podKey(pod), policy);
  };
  /** @param pullSecrets with which it is asked for */
  const see = async (next: Inspection, pullSecrets: readonly PullSecretContent[] = []): Promise<void> => {
    answer = next;
    expect(await watch.inspector.inspect({ reference: IMAGE, budgetMs: 1, pullSecrets })).toBe(next);
  };
  return { clock, pods, watch, events, counted, changed, run, see };
}

describe('what is behind a tag changes', () => {
  test.each<[string, readonly Inspection[], readonly string[]]>([
    ['it is looked at first', [content('1', BOTH)], []],
    ['the same content', [content('1', BOTH), content('1', BOTH)], []],
    ['another content of the same architectures', [content('1', BOTH), content('2', BOTH)], []],
    ['it loses one', [content('1', BOTH), content('2', ['linux/amd64'])], ['lost arm64']],
    ['it gains one', [content('1', ['linux/amd64']), content('2', BOTH)], ['gained arm64']],
    ['one for another', [content('1', ['linux/amd64']), content('2', ['linux/arm64'])], ['lost amd64', 'gained arm64']],
    ['no answer between', [content('1', BOTH), { kind: 'unresolved', reason: 'Unavailable' }, content('1', BOTH)], []],
    ['what was said longer ago', [content('1', BOTH), content('2', ['linux/amd64'], 60_000)], []],
    ['what a policy says of it', [content('1', BOTH), { ...content('2', []), source: 'override' } as Inspection], []],
  ])('%s', async (_, contents, expected) => {
    const { see, counted, changed } = rig();
    for (const one of contents) await see(one);
    expect(counted).toEqual(expected);
    expect(changed).toEqual(expected.length > 0 ? [IMAGE] : []);
  });

  test('each workload that uses it under a policy is told once, by name of its controller', async () => {
    const { see, run, events } = rig();
    run('a', 'amd64-1', 'default');
    run('b', 'arm64-1', 'default');
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'sts' };
    run('c', 'arm64-1', 'default', { owner });
    run('d', 'arm64-1', undefined, { owner: { ...owner, uid: 'another' } });
    await see(content('1', BOTH));
    await see(content('2', ['linux/amd64']));
    expect(events.map(({ regarding, type, reason }) => [regarding.kind, regarding.name, type, reason])).toEqual([
      ['ReplicaSet', 'web-5d4f', 'Warning', 'ArchitectureLost'],
      ['StatefulSet', 'db', 'Warning', 'ArchitectureLost'],
    ]);
    expect(events[0]?.note).toBe(
      `Image ${IMAGE} does not support arm64 any more: its content changed from sha256:111111111111 to sha256:222222222222.`,
    );
    await see(content('3', BOTH));
    expect(events.at(-1)).toMatchObject({ type: 'Normal', reason: 'ArchitectureGained' });
  });

  test('P4 what pull secrets show is told in their namespace, and in others when they are shown it, too', async () => {
    const { see, run, events, counted } = rig();
    run('a', 'arm64-1', 'default');
    run('b', 'arm64-1', 'default', {
      namespace: 'other',
      owner: { apiVersion: 'v1', kind: 'ReplicationController', name: 'web', uid: 'rc' },
    });
    const [ours, theirs] = ['shop', 'other'].map((name) => [
      new PullSecretContent(name, 'kubernetes.io/dockercfg', '{}'),
    ]);
    const told = (): readonly (string | undefined)[] => events.map(({ regarding }) => regarding.namespace);
    await see(content('1', BOTH), ours);
    await see(content('1', BOTH), theirs);
    await see(content('2', ['linux/amd64']), ours);
    expect(told()).toEqual(['shop']);
    await see({ kind: 'unresolved', reason: 'Unauthorized' }, theirs);
    expect(told()).toEqual(['shop']);
    await see(content('2', ['linux/amd64']), theirs);
    expect(told()).toEqual(['shop', 'other']);
    // One change of one image, however many were told.
    expect(counted).toEqual(['lost arm64']);
  });

  test('a lost architecture on which pods run is told with image, digests and pods, by policy', async () => {
    const { clock, see, run, pods, watch } = rig();
    for (const name of ['a', 'b', 'c', 'd']) run(name, 'arm64-1', 'default');
    run('e', 'amd64-1', 'default');
    run('f', 'arm64-1', 'other');
    await see(content('1', BOTH));
    expect(watch.lossesOf('default')).toEqual([]);
    await see(content('2', ['linux/amd64']));
    const changed = `Image ${IMAGE} lost arm64 when its content changed from sha256:111111111111 to sha256:222222222222`;
    expect(watch.lossesOf('default')).toEqual([
      `${changed}; 4 pods run on such nodes, such as shop/a, shop/b, shop/c.`,
    ]);
    expect(watch.lossesOf('other')).toEqual([`${changed}; 1 pod runs on such nodes: shop/f.`]);
    expect(watch.lossesOf('none')).toEqual([]);
    pods.delete('shop/f');
    await clock.advance(5_000);
    expect(watch.lossesOf('other')).toEqual([]);
  });

  test('a loss is over when the architecture is back, or nobody runs on it any more', async () => {
    const { clock, see, run, pods, watch } = rig();
    run('a', 'arm64-1', 'default');
    await see(content('1', BOTH));
    await see(content('2', ['linux/amd64']));
    // Another push does not make it good, and the digests stay those of the loss.
    await see(content('3', ['linux/amd64', 'linux/s390x']));
    expect(watch.lossesOf('default')[0]).toContain('from sha256:111111111111 to sha256:222222222222');
    await see(content('4', BOTH));
    expect(watch.lossesOf('default')).toEqual([]);
    await see(content('5', ['linux/amd64']));
    expect(watch.lossesOf('default')).toHaveLength(1);
    pods.clear();
    await clock.advance(5_000);
    expect(watch.lossesOf('default')).toEqual([]);
  });
});
