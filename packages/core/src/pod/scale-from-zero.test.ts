import { expect, test } from '@jest/globals';
import { node } from '../eviction/fixtures/objects.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import { canBeBrought } from './scale-from-zero.ts';

const nodes = [node({ labels: { pool: 'a' } })];
const pool: NodeSelectorTerm = { matchExpressions: [{ key: 'pool', operator: 'In', values: ['a'] }], matchFields: [] };
const empty: NodeSelectorTerm = { matchExpressions: [], matchFields: [] };

const arm64: NodeSelectorRequirement = { key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] };

test.each<[string, readonly NodeSelectorTerm[] | undefined, boolean, (readonly NodeSelectorRequirement[])?]>([
  ['without a selection of nodes', undefined, true],
  ['of a pool whose nodes are all amd64', [pool], false],
  ['of such a pool, beside an empty term, which matches no node', [pool, empty], false],
  ['of such a pool, if its images require arm64', [pool], false, [arm64]],
])('PL6 R4 an autoscaler can add an arm64 node for a pod %s', (_, nodeSelectorTerms, expected, requirements = []) => {
  const requiredAffinity = nodeSelectorTerms === undefined ? {} : { requiredAffinity: { nodeSelectorTerms } };
  const demand = { nodeSelector: {}, tolerations: [], requirements, ...requiredAffinity };
  expect(canBeBrought(demand, 'arm64', nodes)).toBe(expected);
  expect(canBeBrought(demand, 'amd64', nodes)).toBe(true);
});
