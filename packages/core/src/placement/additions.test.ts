import { expect, test } from '@jest/globals';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import { additionsFor } from './additions.ts';
import type { Gate } from './decision.ts';
import { readPodView } from './pod-view.ts';

const requirement = (...values: string[]): NodeSelectorRequirement => ({
  key: 'kubernetes.io/arch',
  operator: 'In',
  values,
});

test.each<[string, readonly NodeSelectorRequirement[]]>([
  ['no image is known', []],
  ['no requirement has a single value', [requirement('amd64', 'arm64')]],
])('PL1 a gated bare pod whose manifest sets the affinity gets only the gate while %s', (_, requirements) => {
  const pod = readPodView({ spec: { containers: [{ image: 'app' }], affinity: {} } });
  const gate: Gate = {
    kind: 'gate',
    reason: 'Inspecting',
    unresolved: [],
    warnings: [],
    architectures: [],
    requirements,
    asNodeSelector: true,
  };
  expect(additionsFor(pod, gate).map(({ path }) => path)).toEqual(['/spec/schedulingGates']);
});
