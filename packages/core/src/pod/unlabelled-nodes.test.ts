import { expect, test } from '@jest/globals';
import { node } from '../eviction/fixtures/objects.ts';
import { unlabelledNodesFor } from './unlabelled-nodes.ts';

// With 200 tolerations, each of the 2,000 nodes takes 201 steps, which is more than one search may take.
test.each([
  [0, 'also'],
  [200, 'none'],
])(
  'PL5 nodes without the label are not searched if the search takes too many steps: %d tolerations',
  (count, expected) => {
    const nodes = Array.from({ length: 2_000 }, (_, index) => node({ name: `node-${index}` }));
    nodes.push(node({ name: 'virtual', labels: {} }));
    const tolerations = Array.from({ length: count }, (_, index) => ({ key: `k${index}`, operator: 'Exists' }));
    expect(unlabelledNodesFor({ nodeSelector: {}, tolerations }, nodes)).toBe(expected);
  },
);
