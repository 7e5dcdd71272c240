import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from './json.ts';
import { parseNamespace } from './parse-namespace.ts';
import { parseNode } from './parse-node.ts';

const node = {
  metadata: { name: 'arm64-1', labels: { 'kubernetes.io/arch': 'arm64' }, managedFields: [{ manager: 'kubelet' }] },
  spec: {
    podCIDR: '10.0.0.0/24',
    taints: [
      { key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' },
      { key: 'dedicated', effect: 'PreferNoSchedule', timeAdded: '2026-01-01T00:00:00Z' },
    ],
  },
  status: {
    conditions: [
      { type: 'MemoryPressure', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
    nodeInfo: { architecture: 'arm64', operatingSystem: 'linux', kernelVersion: '6.18' },
    images: [{ names: ['a'] }],
  },
};

describe('nodes', () => {
  test('keep what placement and remediation need, and nothing else', () => {
    expect(parseNode(node)).toEqual({
      name: 'arm64-1',
      labels: { 'kubernetes.io/arch': 'arm64' },
      taints: [
        { key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' },
        { key: 'dedicated', value: '', effect: 'PreferNoSchedule' },
      ],
      schedulable: true,
      architecture: 'arm64',
      os: 'linux',
    });
  });

  test.each<[string, JsonObject, boolean]>([
    ['ready', node, true],
    ['cordoned', { ...node, spec: { unschedulable: true } }, false],
    ['not ready', { ...node, status: { conditions: [{ type: 'Ready', status: 'False' }] } }, false],
    ['unknown', { ...node, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, false],
    ['without conditions', { ...node, status: {} }, false],
    ['with conditions of another shape', { ...node, status: { conditions: 'Ready' } }, false],
  ])('schedulable: %s', (_, raw, expected) => {
    expect(parseNode(raw)?.schedulable).toBe(expected);
  });

  test('a node that has not said its architecture has none, never a default', () => {
    expect(parseNode({ metadata: { name: 'new' } })).toEqual({
      name: 'new',
      labels: {},
      taints: [],
      schedulable: false,
      architecture: '',
      os: '',
    });
  });

  test.each<[string, JsonObject]>([
    ['nothing', {}],
    ['no name', { metadata: { labels: {} } }],
    ['a name that is no string', { metadata: { name: 7 } }],
  ])('is no node: %s', (_, raw) => {
    expect(parseNode(raw)).toBeUndefined();
  });

  test('taints of an effect that the API does not know are left out', () => {
    const taints = [{ key: 'a', effect: 'Sometimes' }, { effect: 'NoSchedule' }, 'NoSchedule'];
    expect(parseNode({ ...node, spec: { taints } })?.taints).toEqual([]);
  });
});

describe('namespaces', () => {
  test('keep name, labels and annotations', () => {
    const labels = { team: 'blue' };
    const raw = {
      metadata: { name: 'shop', labels, annotations: { note: 'x' }, uid: 'u' },
      spec: { finalizers: ['kubernetes'] },
    };
    expect(parseNamespace(raw)).toEqual({ name: 'shop', labels, annotations: { note: 'x' } });
    expect(parseNamespace({ metadata: { name: 'bare' } })).toEqual({ name: 'bare', labels: {}, annotations: {} });
    expect(parseNamespace({ metadata: {} })).toBeUndefined();
  });
});
