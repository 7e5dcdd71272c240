import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import { inputOf, nodeOf } from './fixtures/row.ts';
import { placePod } from './place-pod.ts';

const IMAGES = { app: 'linux/amd64 linux/arm64 windows/amd64' };
const LAST_FAILS = ['size Gt 1', 'size Gt 2', 'size Gt 3', 'size Lt 4'].join(' & ');

/** How often a node's label is compared to place a pod with these terms in a cluster of 501 nodes. */
function comparisonsOf(terms: readonly string[], policy: JsonObject): number {
  let comparisons = 0;
  const counted = (node: NodeFacts): NodeFacts => {
    const labels = Object.defineProperty({ ...node.labels }, 'size', {
      get: () => {
        comparisons += 1;
        return '7';
      },
    });
    return { ...node, labels };
  };
  const nodes = Array.from({ length: 501 }, (_, index) =>
    nodeOf({ name: `node-${index}`, arch: index === 0 ? '' : index % 2 === 0 ? 'amd64' : 'arm64' }),
  );
  placePod({ ...inputOf({ images: IMAGES, policy, terms }), nodes: nodes.map(counted) });
  return comparisons;
}

describe('the cost of a decision', () => {
  test.each([1, 10, 20, 40, 100, 245])(
    'PL6 %i terms of integer comparisons stay within the steps of one decision',
    (count) => {
      const policy = { preference: { architectures: ['arm64', 'amd64'] }, scaleFromZero: ['amd64', 'arm64', 's390x'] };
      const comparisons = comparisonsOf(Array<string>(count).fill(LAST_FAILS), policy);
      // One comparison takes about as long as ten steps; a decision takes a million steps at most.
      expect(comparisons).toBeLessThanOrEqual(100_000);
      if (count <= 10) expect(comparisons).toBeGreaterThan(0);
    },
  );
});
