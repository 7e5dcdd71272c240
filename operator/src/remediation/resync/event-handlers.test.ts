import { describe, expect, test } from '@jest/globals';
import type { NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import { Store } from '@archpolicy/kube';
import { watchCluster } from './event-handlers.ts';
import { crashLoopingPod, node, policy } from '../../fixtures/objects.ts';

function rig(): {
  readonly pods: Store<PodFacts>;
  readonly nodes: Store<NodeFacts>;
  readonly namespaces: Store<NamespaceFacts>;
  readonly policies: Store<PolicyEntry>;
  readonly enqueued: string[];
  readonly end: () => void;
} {
  const pods = new Store<PodFacts>();
  const nodes = new Store<NodeFacts>();
  const namespaces = new Store<NamespaceFacts>();
  const policies = new Store<PolicyEntry>();
  const enqueued: string[] = [];
  const views = {
    nodes,
    namespaces,
    policies,
    pods: {
      subscribe: pods.subscribe.bind(pods),
      keysByNamespace: (name: string) =>
        [...pods.entries()].flatMap(([key, pod]) => (pod.namespace === name ? [key] : [])),
      byNode: (name: string) => pods.list().filter(({ nodeName }) => nodeName === name),
    },
  };
  pods.set('shop/a', crashLoopingPod('a'));
  const end = watchCluster(views, {
    enqueue: (keys) => enqueued.push(...keys),
    enqueueAll: () => enqueued.push('all'),
    enqueueMany: ({ name, keys, delayMs }) => enqueued.push(`${name}, after ${delayMs ?? 0} ms: ${keys().join(' ')}`),
    keysWithoutNode: () => ['shop/waits'],
    onPodBound: (pod) => enqueued.push(`${pod.name} was bound`),
  });
  return { pods, nodes, namespaces, policies, enqueued, end };
}

describe('watch events that enqueue pods', () => {
  test('a pod that is created, updated or deleted', () => {
    const { pods, enqueued } = rig();
    const pod = crashLoopingPod('b');
    pods.set('shop/b', pod);
    pods.set('shop/b', { ...pod, resourceVersion: '2' });
    pods.delete('shop/b');
    expect(enqueued).toEqual(['shop/b', 'shop/b', 'shop/b']);
  });

  test('R7 a pod counts as bound if the watch had shown the same pod without a node', () => {
    const { pods, enqueued } = rig();
    const bound = crashLoopingPod('b');
    const { nodeName, ...unbound } = bound;
    expect(nodeName).toBeDefined();
    pods.set('shop/b', unbound);
    pods.set('shop/b', bound);
    pods.set('shop/b', { ...bound, resourceVersion: '2' });
    pods.set('shop/c', bound);
    pods.set('shop/d', unbound);
    pods.set('shop/d', { ...bound, uid: 'another' });
    expect(enqueued.filter((line) => line.endsWith('was bound'))).toEqual(['b was bound']);
  });

  test('a change of its namespace', () => {
    const { namespaces, enqueued } = rig();
    namespaces.set('shop', { name: 'shop', labels: {}, annotations: {} });
    namespaces.set('other', { name: 'other', labels: {}, annotations: {} });
    expect(enqueued).toEqual(['namespace shop, after 0 ms: shop/a', 'namespace other, after 0 ms: ']);
  });

  describe('of nodes', () => {
    const ready = node('amd64-1', 'amd64');
    const waiting = 'nodes, after 3000 ms: shop/waits';

    test.each<[string, readonly NodeFacts[], readonly string[]]>([
      ['a new node', [ready], ['shop/a', waiting]],
      ['a new node that is not ready', [{ ...ready, ready: false }], ['shop/a']],
      ['a node that becomes ready', [{ ...ready, ready: false }, ready], ['shop/a', 'shop/a', waiting]],
      ['a node that becomes unready', [ready, { ...ready, ready: false }], ['shop/a', waiting, 'shop/a']],
      ['a node that is cordoned', [ready, { ...ready, cordoned: true }], ['shop/a', waiting, 'shop/a']],
    ])(
      'P8 R4 R9 enqueue the pods on the node, and if more pods fit on it, the pods that wait for a node: %s',
      (_, changes, expected) => {
        const { nodes, enqueued } = rig();
        for (const change of changes) nodes.set(change.name, change);
        expect(enqueued).toEqual(expected);
      },
    );

    test('P8 R4 R9 a deleted node enqueues only the pods on it', () => {
      const { nodes, enqueued } = rig();
      nodes.set('amd64-1', ready);
      enqueued.length = 0;
      nodes.delete('amd64-1');
      expect(enqueued).toEqual(['shop/a']);
    });
  });

  test('a policy that is created, changed or deleted, but not a write of its status', () => {
    const { policies, enqueued } = rig();
    const entry = (generation: number): PolicyEntry => ({ kind: 'ok', value: { ...policy({}), generation } });
    policies.set('default', entry(1));
    policies.set('default', entry(1));
    expect(enqueued).toEqual(['all']);
    policies.set('default', entry(2));
    policies.set('default', { kind: 'ok', value: { ...policy({}), generation: 2, deleting: true } });
    policies.delete('default');
    expect(enqueued).toEqual(['all', 'all', 'all', 'all']);
  });

  test('none after it is unsubscribed', () => {
    const { pods, enqueued, end } = rig();
    end();
    pods.delete('shop/a');
    expect(enqueued).toEqual([]);
  });
});
