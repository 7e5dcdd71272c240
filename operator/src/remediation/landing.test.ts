import { describe, expect, test } from '@jest/globals';
import type { ArchPolicy, Json, Labels, NodeFacts, NodeSelectorRequirement, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { canLandOn } from './landing.ts';
import { recordOf } from './pod-record.ts';
import { node, policy, World } from './testing/world.ts';

const taint = (key: string): NodeFacts['taints'][number] => ({ key, value: 'arm64', effect: 'NoSchedule' });
const arm = (changes: Partial<NodeFacts> = {}): NodeFacts => node('arm64-1', 'arm64', changes);
const selector = { nodeSelector: { 'kubernetes.io/arch': 'amd64' } };

const AMD64 = { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] } as const;
const ARM64 = { key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] } as const;
const ZONE = { key: 'zone', operator: 'In', values: ['a'] } as const;
const AFFINITY = '/spec/affinity/nodeAffinity';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

const required = (...matchExpressions: readonly NodeSelectorRequirement[]): Partial<PodFacts> => ({
  requiredAffinity: { nodeSelectorTerms: [{ matchExpressions, matchFields: [] }] },
});
const forged = (annotation: string): Labels => ({ 'archpolicy.dev/decision': annotation });
const annotated = (added: Json): Labels =>
  forged(JSON.stringify({ v: 1, kind: 'constrain', reason: 'ImagesSupport', terms: 1, added }));
const whole = (expression: Json): Json => ({
  path: '/spec/affinity',
  value: { nodeAffinity: { [REQUIRED]: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } } },
});
const into = (position: number, value: Json): Json => ({
  path: `${AFFINITY}/${REQUIRED}/nodeSelectorTerms/0/matchExpressions/${position}`,
  value,
});

const ROWS: readonly (readonly [string, NodeFacts, Partial<PodFacts>, ArchPolicy, boolean])[] = [
  ['a ready node of its architecture', arm(), {}, policy({}), true],
  ['a node that is not schedulable', arm({ schedulable: false }), {}, policy({}), false],
  ['a node of another architecture', node('amd64-2', 'amd64'), {}, policy({}), false],
  ['a node of another OS', arm({ os: 'windows' }), {}, policy({}), false],
  ['a node whose label says something else', arm({ labels: { 'kubernetes.io/arch': 'amd64' } }), {}, policy({}), false],
  ['a taint that the pod does not tolerate', arm({ taints: [taint('team')] }), {}, policy({}), false],
  [
    'a taint that it tolerates',
    arm({ taints: [taint('team')] }),
    { tolerations: [{ operator: 'Exists' }] },
    policy({}),
    true,
  ],
  ['the taint of the architecture', arm({ taints: [taint('kubernetes.io/arch')] }), {}, policy({}), true],
  [
    'the same, and the policy adds no toleration',
    arm({ taints: [taint('kubernetes.io/arch')] }),
    {},
    policy({ tolerateArchitectureTaints: false }),
    false,
  ],
  ['its owner chose the architecture that it is on', arm(), selector, policy({}), false],
  [
    'the same, with an annotation that says anything',
    arm(),
    { ...selector, annotations: annotated([{ path: '/spec/nodeSelector', value: selector.nodeSelector }]) },
    policy({}),
    false,
  ],
  ['the same by a required term', arm(), required(AMD64), policy({}), false],
  [
    'the same, with an annotation of no meaning',
    arm(),
    { ...required(AMD64), annotations: forged('{}') },
    policy({}),
    false,
  ],
  [
    'the same, with an annotation that names no addition',
    arm(),
    { ...required(AMD64), annotations: annotated([]) },
    policy({}),
    false,
  ],
  [
    'the same, with an annotation that names another',
    arm(),
    { ...required(AMD64), annotations: annotated([whole(ARM64)]) },
    policy({}),
    false,
  ],
  [
    'the same, with an annotation that names it as a preference',
    arm(),
    { ...required(AMD64), annotations: annotated([{ path: `${AFFINITY}/preferred/0`, value: AMD64 }]) },
    policy({}),
    false,
  ],
  [
    'we once chose it: that is decided afresh',
    arm(),
    { ...required(AMD64), annotations: annotated([whole(AMD64)]) },
    policy({}),
    true,
  ],
  [
    'we once added it to a term of its owner that the node satisfies',
    arm({ labels: { 'kubernetes.io/arch': 'arm64', zone: 'a' } }),
    { ...required(ZONE, AMD64), annotations: annotated([into(1, AMD64)]) },
    policy({}),
    true,
  ],
  [
    'we once added it to a term of its owner that the node does not satisfy',
    arm(),
    { ...required(ZONE, AMD64), annotations: annotated([into(1, AMD64)]) },
    policy({}),
    false,
  ],
  [
    'an annotation that names its owner’s other choices',
    arm(),
    { ...required(ZONE), annotations: annotated([into(0, ZONE)]) },
    policy({}),
    false,
  ],
];

describe('whether a replacement could land right', () => {
  test.each(ROWS)('R4 %s', (_, candidate, changes, governing, expected) => {
    const pod = new World(new FakeClock()).pod('a', changes);
    expect(canLandOn(pod, governing, ['arm64'], [node('amd64-1', 'amd64'), candidate])).toBe(expected);
  });

  test('R4 is not looked for where that would keep everybody waiting', () => {
    const tolerations = Array.from({ length: 1_001 }, (_, index) => ({ key: `k${index}`, operator: 'Exists' }));
    const tainted = (name: string) => node(name, 'arm64', { taints: Array.from({ length: 10 }, () => taint('k1000')) });
    const nodes = Array.from({ length: 100 }, (_, index) => tainted(`arm64-${index}`));
    const pod = new World(new FakeClock()).pod('a', { tolerations });
    expect(canLandOn(pod, policy({}), ['arm64'], nodes.slice(0, 90))).toBe(true);
    expect(canLandOn(pod, policy({}), ['arm64'], nodes)).toBe(false);
  });

  test.each([
    ['counts', annotated([]), true],
    ['does not count', forged('{}'), false],
  ])('an annotation that we could have written or not %s as a constraint of ours', (_, annotations, constrained) => {
    const world = new World(new FakeClock());
    const pod = world.pod('a', { annotations });
    const judgement = { assessment: { kind: 'node-unknown' }, decision: { kind: 'leave', reason: 'Fits' } } as const;
    const record = recordOf({ pod, policy: policy({}), node: undefined }, judgement, new Set());
    expect(record?.constrained).toBe(constrained);
  });

  test('R4 no node at all', () => {
    expect(canLandOn(new World(new FakeClock()).pod('a'), policy({}), ['arm64'], [])).toBe(false);
  });
});
