import { expect, test } from '@jest/globals';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import type { NodeSelectorOperator } from '../kubernetes/node-selector.ts';
import { violatesArchitectureTerms } from './architecture-violation.ts';
import { node, pod } from './fixtures/objects.ts';

const term = (key: string, operator: NodeSelectorOperator, ...values: readonly string[]) => ({
  matchExpressions: [{ key, operator, values }],
  matchFields: [],
});
const requiring = (...nodeSelectorTerms: ReturnType<typeof term>[]): PodFacts =>
  pod({ requiredAffinity: { nodeSelectorTerms } });
const ARM = term('kubernetes.io/arch', 'In', 'arm64');

test.each<[string, PodFacts, Partial<NodeFacts>, boolean]>([
  ['nothing is required', pod(), {}, false],
  ['its term requires another architecture', requiring(ARM), {}, true],
  ['its term requires the node’s architecture', requiring(ARM), { architecture: 'arm64' }, false],
  ['one of its terms requires another label', requiring(ARM, term('pool', 'In', 'a')), {}, false],
  [
    'each of its terms requires another architecture',
    requiring(ARM, term('kubernetes.io/arch', 'NotIn', 'amd64')),
    {},
    true,
  ],
  [
    'its node selector requires another architecture',
    pod({ nodeSelector: { 'kubernetes.io/arch': 'arm64' } }),
    {},
    true,
  ],
  ['another label that the node lacks', pod({ nodeSelector: { pool: 'a' } }), {}, false],
  ['the node’s label and report differ', requiring(ARM), { labels: { 'kubernetes.io/arch': 'arm64' } }, false],
  ['a node that has not reported its platform', requiring(ARM), { architecture: '' }, false],
])('R7 the node’s architecture violates the pod’s terms: %s', (_, thePod, changes, expected) => {
  expect(violatesArchitectureTerms(thePod, node(changes))).toBe(expected);
});
