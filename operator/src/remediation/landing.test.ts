import { describe, expect, test } from '@jest/globals';
import type { ArchPolicy, NodeFacts, PodFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { canLandOn } from './landing.ts';
import { node, policy, World } from './testing/world.ts';

const taint = (key: string): NodeFacts['taints'][number] => ({ key, value: 'arm64', effect: 'NoSchedule' });
const arm = (changes: Partial<NodeFacts> = {}): NodeFacts => node('arm64-1', 'arm64', changes);
const selector = { nodeSelector: { 'kubernetes.io/arch': 'amd64' } };

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
    'we once chose it: that is decided afresh',
    arm(),
    { ...selector, annotations: { 'archpolicy.dev/decision': '{}' } },
    policy({}),
    true,
  ],
];

describe('whether a replacement could land right', () => {
  test.each(ROWS)('R4 %s', (_, candidate, changes, governing, expected) => {
    const pod = new World(new FakeClock()).pod('a', changes);
    expect(canLandOn(pod, governing, ['arm64'], [node('amd64-1', 'amd64'), candidate])).toBe(expected);
  });

  test('R4 no node at all', () => {
    expect(canLandOn(new World(new FakeClock()).pod('a'), policy({}), ['arm64'], [])).toBe(false);
  });
});
