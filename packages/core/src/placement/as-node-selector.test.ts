import { expect, test } from '@jest/globals';
import type { Json } from '../json/json.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import { fitsNodeSelector } from './as-node-selector.ts';
import { readPodView } from './pod-view.ts';

const one: NodeSelectorRequirement = { key: 'team', operator: 'In', values: ['data'] };

test.each<[string, Json, NodeSelectorRequirement, boolean]>([
  ['a pod whose node selector is null', null, one, true],
  ['a node selector without the key', { zone: 'a' }, one, true],
  ['a node selector that has the key', { team: 'data' }, one, false],
  ['a node selector that is not an object', 'team', one, false],
  ['a requirement with two values', {}, { ...one, values: ['data', 'web'] }, false],
  ['an exclusion', {}, { ...one, operator: 'NotIn' }, false],
])('PL1 whether a requirement can be a key of the node selector: %s', (_, nodeSelector, requirement, expected) => {
  expect(fitsNodeSelector(readPodView({ metadata: {}, spec: { nodeSelector } }), requirement)).toBe(expected);
});
