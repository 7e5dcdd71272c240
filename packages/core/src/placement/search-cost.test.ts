import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../json/json.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import { buildInput, buildNode } from './fixtures/row.ts';
import { placePod } from './place-pod.ts';

const IMAGES = { app: 'linux/amd64 linux/arm64 windows/amd64' };
const LAST_FAILS = ['size Gt 1', 'size Gt 2', 'size Gt 3', 'size Lt 4'].join(' & ');

/** Counts the comparisons of a node's label to place a pod with these terms in a cluster of 501 nodes. */
function countComparisons(terms: readonly string[], policy: JsonObject): number {
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
    buildNode({ name: `node-${index}`, arch: index === 0 ? '' : index % 2 === 0 ? 'amd64' : 'arm64' }),
  );
  placePod({ ...buildInput({ images: IMAGES, policy, terms }), nodes: nodes.map(counted) });
  return comparisons;
}

describe('the cost of a decision', () => {
  test.each([1, 10, 20, 40, 100, 245])(
    'PL6 %i terms of integer comparisons stay within the steps of one decision',
    (count) => {
      const policy = { preference: { architectures: ['arm64', 'amd64'] }, scaleFromZero: ['amd64', 'arm64', 's390x'] };
      const comparisons = countComparisons(Array<string>(count).fill(LAST_FAILS), policy);
      // One comparison takes about as long as ten steps, and a decision at most a million steps.
      expect(comparisons).toBeLessThanOrEqual(100_000);
      if (count <= 10) expect(comparisons).toBeGreaterThan(0);
    },
  );
});
