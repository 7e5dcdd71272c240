import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NodeFacts, Taint, Toleration } from '../kubernetes/facts.ts';
import { naiveSelects } from '../placement/fixtures/naive-scheduler.ts';
import { isEmptyTerm, matchesNode, matchesTerm } from './evaluate.ts';
import { parseNodeSelector } from '../kubernetes/parse-node-selector.ts';
import type { NodeSelectorOperator, NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import { tolerates, untolerated } from './tolerations.ts';

const requirement = (text: string): NodeSelectorRequirement => {
  const [key = '', operator = '', ...values] = text.split(' ');
  return { key, operator: operator as NodeSelectorOperator, values };
};
const term = (expressions: string, fields = ''): NodeSelectorTerm => ({
  matchExpressions: expressions.split(', ').filter(Boolean).map(requirement),
  matchFields: fields.split(', ').filter(Boolean).map(requirement),
});
const node = { name: 'n1', labels: { zone: 'a', cpus: '8', disk: '', version: 'v2' } };

describe('matchesTerm', () => {
  test.each<[string, boolean, string]>([
    ['zone In a b', true, 'one of the values'],
    ['zone In b', false, 'none of the values'],
    ['rack In a', false, 'a label that is absent is in no list'],
    ['zone NotIn b', true, 'another value'],
    ['zone NotIn a', false, 'the excluded value'],
    ['rack NotIn a', true, 'NotIn matches an absent label'],
    ['disk Exists', true, 'an empty value exists'],
    ['rack Exists', false, 'an absent label does not'],
    ['rack DoesNotExist', true, 'absent'],
    ['zone DoesNotExist', false, 'present'],
    ['cpus Gt 7', true, '8 > 7'],
    ['cpus Gt 8', false, 'not above itself'],
    ['cpus Gt 10', false, 'numbers, not text'],
    ['cpus Lt 10', true, '8 < 10'],
    ['version Gt 1', false, 'v2 is no number'],
    ['rack Lt 1', false, 'an absent label is no number'],
    ['cpus Gt many', false, 'many is no number'],
    ['cpus Gt 1 2', false, 'one bound, not two'],
    ['zone Exists a', false, 'Exists takes no values'],
    ['zone In a, cpus Gt 10', false, 'expressions are ANDed'],
    ['constructor DoesNotExist', true, 'what every object inherits is no label'],
  ])('PL5 %s: %j, %s', (expressions, expected) => {
    expect(matchesTerm(term(expressions), node)).toBe(expected);
  });

  test.each<[string, boolean]>([
    ['metadata.name In n1', true],
    ['metadata.name In n2', false],
    ['metadata.name NotIn n2', true],
    ['metadata.name NotIn n1', false],
    ['metadata.name In n1 n2', false],
    ['metadata.name Exists', false],
    ['spec.unschedulable In n1', false],
  ])('PL5 match field %s: %j', (fields, expected) => {
    expect(matchesTerm(term('', fields), node)).toBe(expected);
  });

  test('PL5 an empty term matches nothing', () => {
    expect(isEmptyTerm(term(''))).toBe(true);
    expect(matchesTerm(term(''), node)).toBe(false);
  });
});

describe('matchesNode', () => {
  const KEYS = ['zone', 'arch', 'cpus'];
  const VALUES = ['a', 'b', '3', '8', '07'];
  const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES));
  const expression = fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'),
    values: fc.array(fc.constantFrom(...VALUES), { maxLength: 2 }),
  });
  const field = fc.record({
    key: fc.constant('metadata.name'),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.array(fc.constantFrom('n1', 'n2'), { maxLength: 2 }),
  });
  const rawTerm = fc.record(
    { matchExpressions: fc.array(expression, { maxLength: 2 }), matchFields: fc.array(field, { maxLength: 1 }) },
    { requiredKeys: [] },
  );
  const required = fc.option(fc.record({ nodeSelectorTerms: fc.array(rawTerm, { maxLength: 3 }) }), { nil: undefined });

  test('PL5 selectors and terms match as in a naive evaluation', () => {
    fc.assert(
      fc.property(labels, labels, required, fc.constantFrom('n1', 'n2'), (selector, nodeLabels, raw, name) => {
        const parsed = raw === undefined ? undefined : parseNodeSelector(raw);
        if (parsed?.kind === 'failed') throw new Error('generated selectors have the right shape');
        const demand = { nodeSelector: selector, requiredAffinity: parsed?.value };
        const one = { name, labels: nodeLabels };
        const pod = {
          spec: {
            nodeSelector: selector,
            affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: raw } },
          },
        };
        expect(matchesNode(demand, one)).toBe(naiveSelects(pod, one));
      }),
      { numRuns: 2000 },
    );
  });

  test('PL5 a node selector ignores inherited properties of labels', () => {
    expect(matchesNode({ nodeSelector: { constructor: 'Object' } }, node)).toBe(false);
    expect(matchesNode({ nodeSelector: {} }, node)).toBe(true);
  });
});

describe('parseNodeSelector', () => {
  test.each<[unknown, string]>([
    [undefined, ''],
    [null, ''],
    [[], ''],
    [{ nodeSelectorTerms: {} }, '/nodeSelectorTerms'],
    [{ nodeSelectorTerms: [1] }, '/nodeSelectorTerms/0'],
    [{ nodeSelectorTerms: [{}, { matchExpressions: 'x' }] }, '/nodeSelectorTerms/1/matchExpressions'],
    [{ nodeSelectorTerms: [{ matchExpressions: [null] }] }, '/nodeSelectorTerms/0/matchExpressions/0'],
    [{ nodeSelectorTerms: [{ matchFields: [{ key: 1, operator: 'In' }] }] }, '/nodeSelectorTerms/0/matchFields/0'],
    [
      { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'Like' }] }] },
      '/nodeSelectorTerms/0/matchExpressions/0',
    ],
    [
      { nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values: [1] }] }] },
      '/nodeSelectorTerms/0/matchExpressions/0',
    ],
  ])('PL5 %j is malformed at %j', (raw, at) => {
    expect(parseNodeSelector(raw as never)).toEqual({ kind: 'failed', failure: at });
  });

  test('PL5 absent lists and values are empty, and terms keep their index', () => {
    const raw = { nodeSelectorTerms: [{}, { matchExpressions: [{ key: 'k', operator: 'Exists', values: null }] }] };
    expect(parseNodeSelector(raw)).toEqual({
      kind: 'ok',
      value: {
        nodeSelectorTerms: [
          { matchExpressions: [], matchFields: [] },
          { matchExpressions: [{ key: 'k', operator: 'Exists', values: [] }], matchFields: [] },
        ],
      },
    });
  });
});

describe('tolerations', () => {
  const taint: Taint = { key: 'arch', value: 'arm64', effect: 'NoSchedule' };

  test.each<[Toleration, boolean, string]>([
    [{ operator: 'Exists' }, true, 'no key with Exists tolerates everything'],
    [{ key: 'arch', operator: 'Exists' }, true, 'any value of the key'],
    [{ key: 'arch', operator: 'Equal', value: 'arm64' }, true, 'the value, any effect'],
    [{ key: 'arch', value: 'arm64' }, true, 'Equal is the default'],
    [{ key: 'arch', operator: '', value: 'arm64' }, true, 'an empty operator is the default'],
    [{ key: 'arch', value: 'amd64' }, false, 'another value'],
    [{ key: 'arch' }, false, 'no value is the empty value'],
    [{ key: 'other', operator: 'Exists' }, false, 'another key'],
    [{ key: 'arch', operator: 'Exists', effect: 'NoExecute' }, false, 'another effect'],
    [{ key: 'arch', operator: 'Exists', effect: 'NoSchedule' }, true, 'the effect'],
    [{ key: 'arch', operator: 'Lt', value: 'arm64' }, false, 'an operator from the future'],
  ])('PL6 %j: %j, %s', (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });

  test('PL6 ignores PreferNoSchedule', () => {
    const tainted: NodeFacts = {
      name: 'n',
      uid: 'n',
      labels: {},
      taints: [taint, { ...taint, effect: 'PreferNoSchedule' }, { key: 'x', value: '', effect: 'NoExecute' }],
      ready: true,
      cordoned: false,
      architecture: 'arm64',
      os: 'linux',
    };
    expect(untolerated(tainted, [{ key: 'arch', operator: 'Exists' }])).toEqual([
      { key: 'x', value: '', effect: 'NoExecute' },
    ]);
  });
});
