import { describe, expect, test } from '@jest/globals';
import { IMAGE, node, pod } from '../eviction/fixtures/objects.ts';
import { forecastReplacement } from '../eviction/replacement-forecast.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import { readPodSpec } from '../kubernetes/pod-spec.ts';
import { parseInspection, buildPolicy } from '../placement/fixtures/row.ts';
import { placePod } from '../placement/place-pod.ts';
import { readPodView } from '../placement/pod-view.ts';
import type { SchedulingDemand } from './feasible-nodes.ts';
import { feasibleNodes, hasFeasibleNode } from './feasible-nodes.ts';

const ANY: SchedulingDemand = { os: 'linux', nodeSelector: {}, tolerations: [] };
const zone = { key: 'zone', operator: 'In', values: ['a'] } as const;
const tainted = node({ taints: [{ key: 'team', value: 'a', effect: 'NoSchedule' }] });
const labelled = (labels: NodeFacts['labels']): NodeFacts => node({ labels: { ...node().labels, ...labels } });

describe('the feasible nodes of a pod', () => {
  test.each<[string, Partial<SchedulingDemand>, NodeFacts, boolean]>([
    ['a ready node', {}, node(), true],
    ['a node that is not ready', {}, node({ ready: false }), false],
    ['a cordoned node', {}, node({ cordoned: true }), false],
    ['a node of another OS', {}, node({ os: 'windows' }), false],
    [
      'a node whose architecture label differs from the architecture that it reports',
      {},
      labelled({ 'kubernetes.io/arch': 'arm64' }),
      false,
    ],
    ['a taint that is not tolerated', {}, tainted, false],
    ['a taint that is tolerated', { tolerations: [{ operator: 'Exists' }] }, tainted, true],
    ['a node selector that it does not have', { nodeSelector: { zone: 'a' } }, node(), false],
    ['a node selector that it has', { nodeSelector: { zone: 'a' } }, labelled({ zone: 'a' }), true],
    ['a further requirement that it does not satisfy', { requirements: [zone] }, node(), false],
    ['a further requirement that it satisfies', { requirements: [zone] }, labelled({ zone: 'a' }), true],
    ['required affinity without terms', { requiredAffinity: { nodeSelectorTerms: [] } }, node(), false],
  ])('PL6 R4 %s', (_, changes, theNode, expected) => {
    const demand = { ...ANY, ...changes };
    expect(feasibleNodes(demand, [theNode])).toEqual(expected ? [theNode] : []);
    expect(hasFeasibleNode(demand, [theNode], 'any')).toBe(expected);
    expect(hasFeasibleNode(demand, [theNode], ['amd64'])).toBe(expected);
    expect(hasFeasibleNode(demand, [theNode], ['arm64'])).toBe(false);
  });

  test('PL5 R9 a node without the architecture label is feasible, but has no architecture', () => {
    const virtual = node({ labels: { 'kubernetes.io/os': 'linux' } });
    expect(feasibleNodes(ANY, [virtual])).toEqual([virtual]);
    expect(feasibleNodes(ANY, [virtual], ['amd64'])).toEqual([]);
    expect(hasFeasibleNode(ANY, [virtual], ['amd64'])).toBe(false);
    const only = { ...ANY, nodeSelector: { 'kubernetes.io/arch': 'amd64' } };
    expect(feasibleNodes(only, [virtual])).toEqual([]);
  });

  test('PL6 R4 nodes of each of several architectures are feasible', () => {
    const [amd64, arm64, s390x] = ['amd64', 'arm64', 's390x'].map((architecture) =>
      node({ name: architecture, architecture }),
    );
    const nodes = [amd64!, arm64!, s390x!];
    expect(feasibleNodes(ANY, nodes, ['amd64', 'arm64'])).toEqual([amd64, arm64]);
    expect(hasFeasibleNode(ANY, nodes, ['arm', 's390x'])).toBe(true);
  });

  test('PL6 R4 a pod in a review and a stored pod have the same feasible nodes', () => {
    const raw = { metadata: {}, spec: { nodeSelector: { zone: 'a' }, tolerations: [{ operator: 'Exists' }] } };
    const nodes = [node(), labelled({ zone: 'a' })];
    expect(feasibleNodes(readPodView(raw), nodes)).toEqual(feasibleNodes(readPodSpec(raw), nodes));
  });

  // 201 steps per node: 4,975 nodes can be searched.
  test('PL6 R4 the bound on the search counts the searched nodes, for placement as for eviction', () => {
    const tolerations = Array.from({ length: 200 }, (_, index) => ({ key: `k${index}`, operator: 'Exists' }));
    const arm = node({ name: 'arm64-1', architecture: 'arm64' });
    const nodes = [...Array.from({ length: 5_000 }, (_, index) => node({ name: `amd64-${index}` })), arm];
    const namespace = { name: 'shop', labels: {}, annotations: {} };
    const policy = buildPolicy({ preference: { architectures: ['arm64'] } });
    const input = { nodes, policy, nowMs: 0 };
    const { decision } = placePod({
      ...input,
      namespace: 'shop',
      namespaceFacts: namespace,
      operation: 'CREATE',
      canGate: false,
      images: new Map([[IMAGE, parseInspection('linux/amd64 linux/arm64')]]),
      pod: { metadata: {}, spec: { containers: [{ image: IMAGE }], tolerations } },
    });
    expect(decision).toMatchObject({ reason: 'Preferred', architectures: ['arm64'] });
    const images = new Map([[IMAGE, parseInspection('linux/arm64')]]);
    expect(forecastReplacement({ ...input, namespace, images, pod: pod({ tolerations }) }, node(), ['arm64'])).toBe(
      'right',
    );
    expect(feasibleNodes({ ...ANY, tolerations }, nodes)).toEqual([]);
  });
});
