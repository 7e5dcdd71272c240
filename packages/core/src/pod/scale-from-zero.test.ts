import { expect, test } from '@jest/globals';
import { node } from '../eviction/fixtures/objects.ts';
import type { NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import { canBeBrought } from './scale-from-zero.ts';

const nodes = [node({ labels: { pool: 'a' } })];
const pool: NodeSelectorTerm = { matchExpressions: [{ key: 'pool', operator: 'In', values: ['a'] }], matchFields: [] };
const empty: NodeSelectorTerm = { matchExpressions: [], matchFields: [] };

test.each<[string, readonly NodeSelectorTerm[] | undefined, boolean]>([
  ['without a selection of nodes', undefined, true],
  ['of a pool whose nodes are all amd64', [pool], false],
  ['of such a pool, beside an empty term, which matches no node', [pool, empty], false],
])('PL6 R4 an autoscaler can add an arm64 node for a pod %s', (_, nodeSelectorTerms, expected) => {
  const requiredAffinity = nodeSelectorTerms === undefined ? {} : { requiredAffinity: { nodeSelectorTerms } };
  const demand = { nodeSelector: {}, tolerations: [], ...requiredAffinity };
  expect(canBeBrought(demand, 'arm64', nodes)).toBe(expected);
  expect(canBeBrought(demand, 'amd64', nodes)).toBe(true);
});
