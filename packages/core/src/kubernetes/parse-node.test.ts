import { describe, expect, test } from '@jest/globals';
import { isSchedulable } from './facts.ts';
import type { JsonObject } from '../json/json.ts';
import { parseNamespace } from './parse-namespace.ts';
import { parseNode } from './parse-node.ts';

const node = {
  metadata: {
    name: 'arm64-1',
    uid: 'node-uid',
    labels: { 'kubernetes.io/arch': 'arm64' },
    managedFields: [{ manager: 'kubelet' }],
  },
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
  test('keep only the facts for placement and remediation', () => {
    expect(parseNode(node)).toEqual({
      name: 'arm64-1',
      uid: 'node-uid',
      labels: { 'kubernetes.io/arch': 'arm64' },
      taints: [
        { key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' },
        { key: 'dedicated', value: '', effect: 'PreferNoSchedule' },
      ],
      ready: true,
      cordoned: false,
      architecture: 'arm64',
      os: 'linux',
    });
  });

  const UNKNOWN = { conditions: [{ type: 'Ready', status: 'Unknown' }] };
  test.each<
    [string, JsonObject, { readonly ready: boolean; readonly cordoned: boolean; readonly schedulable: boolean }]
  >([
    ['ready', node, { ready: true, cordoned: false, schedulable: true }],
    ['cordoned', { ...node, spec: { unschedulable: true } }, { ready: true, cordoned: true, schedulable: false }],
    [
      'not ready',
      { ...node, status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      { ready: false, cordoned: false, schedulable: false },
    ],
    [
      'unknown, because the kubelet is silent',
      { ...node, status: UNKNOWN },
      { ready: false, cordoned: false, schedulable: false },
    ],
    [
      'cordoned and not ready',
      { ...node, spec: { unschedulable: true }, status: UNKNOWN },
      { ready: false, cordoned: true, schedulable: false },
    ],
    ['without conditions', { ...node, status: {} }, { ready: false, cordoned: false, schedulable: false }],
    [
      'with conditions of another shape',
      { ...node, status: { conditions: 'Ready' } },
      { ready: false, cordoned: false, schedulable: false },
    ],
  ])('R10 readiness and cordon are separate facts: %s', (_, raw, { schedulable, ...expected }) => {
    const facts = parseNode(raw);
    expect(facts).toMatchObject(expected);
    expect(facts && isSchedulable(facts)).toBe(schedulable);
  });

  test('a node without a reported architecture has none, never a default', () => {
    expect(parseNode({ metadata: { name: 'new' } })).toEqual({
      name: 'new',
      uid: '',
      labels: {},
      taints: [],
      ready: false,
      cordoned: false,
      architecture: '',
      os: '',
    });
  });

  test.each<[string, JsonObject]>([
    ['nothing', {}],
    ['no name', { metadata: { labels: {} } }],
    ['a name that is no string', { metadata: { name: 7 } }],
  ])('is not a node: %s', (_, raw) => {
    expect(parseNode(raw)).toBeUndefined();
  });

  test('taints with an unknown effect are dropped', () => {
    const taints = [{ key: 'a', effect: 'Sometimes' }, { effect: 'NoSchedule' }, 'NoSchedule'];
    expect(parseNode({ ...node, spec: { taints } })?.taints).toEqual([]);
  });
});

describe('namespaces', () => {
  test('P8 keep name, labels, and the annotations that the product uses', () => {
    const labels = { team: 'blue' };
    const whitelist = `[${' '.repeat(5_000)}]`;
    const annotations = {
      'archpolicy.dev/preferred': 'arm64',
      'scheduler.alpha.kubernetes.io/tolerationsWhitelist': whitelist,
    };
    const raw = {
      metadata: { name: 'shop', labels, annotations: { ...annotations, note: 'x' }, uid: 'u' },
      spec: { finalizers: ['kubernetes'] },
    };
    expect(parseNamespace(raw)).toEqual({ name: 'shop', labels, annotations });
    expect(parseNamespace({ metadata: { name: 'bare' } })).toEqual({ name: 'bare', labels: {}, annotations: {} });
    expect(parseNamespace({ metadata: {} })).toBeUndefined();
  });
});
