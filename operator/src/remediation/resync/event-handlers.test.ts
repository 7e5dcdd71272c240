import { describe, expect, test } from '@jest/globals';
import type { NamespaceFacts, NodeFacts, PodFacts } from '@archpolicy/core';
import type { PolicyEntry } from '@archpolicy/cluster-view';
import { Store } from '@archpolicy/kube';
import { feed } from './event-handlers.ts';
import { crashLoopingPod, node, policy } from '../../testing/objects.ts';

function rig(): {
  readonly pods: Store<PodFacts>;
  readonly nodes: Store<NodeFacts>;
  readonly namespaces: Store<NamespaceFacts>;
  readonly policies: Store<PolicyEntry>;
  readonly told: string[];
  readonly end: () => void;
} {
  const pods = new Store<PodFacts>();
  const nodes = new Store<NodeFacts>();
  const namespaces = new Store<NamespaceFacts>();
  const policies = new Store<PolicyEntry>();
  const told: string[] = [];
  const views = {
    nodes,
    namespaces,
    policies,
    pods: {
      subscribe: pods.subscribe.bind(pods),
      byKey: (key: string) => pods.get(key),
      byNamespace: (name: string) => pods.list().filter(({ namespace }) => namespace === name),
      byNode: (name: string) => pods.list().filter(({ nodeName }) => nodeName === name),
    },
  };
  pods.set('shop/a', crashLoopingPod('a'));
  const end = feed(views, {
    pods: (keys) => told.push(...keys),
    bound: (pod) => told.push(`${pod.name} was bound`),
    policyChanged: () => told.push('policy'),
    nodeChanged: () => told.push('node'),
  });
  return { pods, nodes, namespaces, policies, told, end };
}

describe('what makes pods worth a look', () => {
  test('a pod that comes, changes or goes', () => {
    const { pods, told } = rig();
    const pod = crashLoopingPod('b');
    pods.set('shop/b', pod);
    pods.set('shop/b', { ...pod, resourceVersion: '2' });
    pods.delete('shop/b');
    expect(told).toEqual(['shop/b', 'shop/b', 'shop/b']);
  });

  test('R7 a binding is told of when the watch has shown the same pod without a node before', () => {
    const { pods, told } = rig();
    const bound = crashLoopingPod('b');
    const { nodeName, ...unbound } = bound;
    expect(nodeName).toBeDefined();
    pods.set('shop/b', unbound);
    pods.set('shop/b', bound);
    pods.set('shop/b', { ...bound, resourceVersion: '2' });
    pods.set('shop/c', bound);
    pods.set('shop/d', unbound);
    pods.set('shop/d', { ...bound, uid: 'another' });
    expect(told.filter((line) => line.endsWith('was bound'))).toEqual(['b was bound']);
  });

  test('a change of its node, or of its namespace', () => {
    const { nodes, namespaces, told } = rig();
    nodes.set('amd64-1', node('amd64-1', 'amd64'));
    namespaces.set('shop', { name: 'shop', labels: {}, annotations: {} });
    namespaces.set('other', { name: 'other', labels: {}, annotations: {} });
    expect(told).toEqual(['shop/a', 'node', 'shop/a']);
  });

  test('a policy that comes, says something else or goes; not a write of its status', () => {
    const { policies, told } = rig();
    const entry = (generation: number): PolicyEntry => ({ kind: 'parsed', policy: { ...policy({}), generation } });
    policies.set('default', entry(1));
    policies.set('default', entry(1));
    expect(told).toEqual(['policy']);
    policies.set('default', entry(2));
    policies.set('default', { kind: 'parsed', policy: { ...policy({}), generation: 2, deleting: true } });
    policies.delete('default');
    expect(told).toEqual(['policy', 'policy', 'policy', 'policy']);
  });

  test('ends when it is told to', () => {
    const { pods, told, end } = rig();
    end();
    pods.delete('shop/a');
    expect(told).toEqual([]);
  });
});
