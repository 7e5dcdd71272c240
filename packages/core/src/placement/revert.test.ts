import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../json/json.ts';
import type { Addition } from './additions.ts';
import { revert } from './revert.ts';

const arch = (...values: string[]): JsonObject => ({ key: 'kubernetes.io/arch', operator: 'In', values });
const zone: JsonObject = { key: 'zone', operator: 'In', values: ['a'] };
const toleration: JsonObject = { key: 'kubernetes.io/arch', operator: 'Equal', value: 'arm64' };
const required = (...terms: JsonObject[]): JsonObject => ({
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
});
const TERMS = '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms';

const revertSpec = (spec: JsonObject, added: Addition[], terms = 1, copied: string[] = []): Json =>
  revert({ spec }, { added, terms }, copied).pod['spec'] ?? null;

describe('revert', () => {
  const created: Addition = {
    path: '/spec/affinity',
    value: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }) },
  };

  test.each<[string, JsonObject, Addition[], Json]>([
    ['an added value with its added parents', { affinity: created.value }, [created], {}],
    [
      "an added value, and keeps another webhook's value beside it",
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }), podAntiAffinity: { x: 1 } } },
      [created],
      { affinity: { podAntiAffinity: { x: 1 } } },
    ],
    [
      "an added expression, and keeps another webhook's expression in the same term",
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64'), zone] }) } },
      [created],
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    [
      'nothing if another term is beside the added one, because either may be the added one',
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }, { matchExpressions: [arch('arm64')] }) } },
      [created],
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }, { matchExpressions: [arch('arm64')] }) } },
    ],
    [
      'nothing of an expression that was changed',
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64', 'amd64')] }) } },
      [created],
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64', 'amd64')] }) } },
    ],
    [
      'an appended expression',
      { affinity: { nodeAffinity: required({ matchExpressions: [zone, arch('arm64')] }) } },
      [{ path: `${TERMS}/0/matchExpressions/1`, value: arch('arm64') }],
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    [
      'an expression that moved within its term',
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64'), zone] }) } },
      [{ path: `${TERMS}/0/matchExpressions/1`, value: arch('arm64') }],
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    [
      'a toleration, and keeps the order of the others',
      { tolerations: [{ key: 'a' }, toleration, { key: 'b' }] },
      [{ path: '/spec/tolerations/1', value: toleration }],
      { tolerations: [{ key: 'a' }, { key: 'b' }] },
    ],
    [
      'an added list only without other elements',
      { tolerations: [toleration, { key: 'b' }] },
      [{ path: '/spec/tolerations', value: [toleration] }],
      { tolerations: [{ key: 'b' }] },
    ],
    [
      'the gate',
      { schedulingGates: [{ name: 'archpolicy.dev/inspecting' }] },
      [{ path: '/spec/schedulingGates', value: [{ name: 'archpolicy.dev/inspecting' }] }],
      {},
    ],
  ])('PL2 removes %s', (_, spec, added, expected) => {
    expect(revertSpec(spec, added)).toEqual(expected);
  });

  const forged: [string, JsonObject, Addition][] = [
    ['a node selector', { nodeSelector: { pool: 'safe' } }, { path: '/spec/nodeSelector', value: { pool: 'safe' } }],
    ['a container', { containers: [{ name: 'x' }] }, { path: '/spec/containers/0', value: { name: 'x' } }],
    [
      "another webhook's expression",
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
      { path: `${TERMS}/0/matchExpressions/0`, value: zone },
    ],
    [
      "another webhook's affinity",
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
      { path: '/spec/affinity', value: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    [
      'a whole term',
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }) } },
      { path: `${TERMS}/0`, value: { matchExpressions: [zone] } },
    ],
    [
      'an added toleration with seconds',
      { tolerations: [{ ...toleration, tolerationSeconds: 1 }] },
      { path: '/spec/tolerations/0', value: { ...toleration, tolerationSeconds: 1 } },
    ],
    [
      "another controller's gate",
      { schedulingGates: [{ name: 'example.com/quota' }] },
      { path: '/spec/schedulingGates/0', value: { name: 'example.com/quota' } },
    ],
    ['pod anti-affinity', { affinity: { podAntiAffinity: {} } }, { path: '/spec/affinity/podAntiAffinity', value: {} }],
    ['the whole pod', { affinity: {} }, { path: '', value: { spec: { affinity: {} } } }],
    ['a path that is not a pointer', { affinity: {} }, { path: 'spec/affinity', value: {} }],
    ['an inherited field', { affinity: {} }, { path: '/spec/constructor/name', value: 'Object' }],
    [
      'an element with an invalid index',
      { tolerations: [{ key: 'a' }] },
      { path: '/spec/tolerations/first', value: { key: 'a' } },
    ],
    [
      'an expression below another',
      { tolerations: [toleration] },
      { path: '/spec/tolerations/0/key', value: 'kubernetes.io/arch' },
    ],
  ];
  test.each(forged)('PL2 a forged record does not remove %s', (_, spec, addition) => {
    expect(revertSpec(spec, [addition])).toEqual(spec);
  });

  test('PL2 a copied label is managed only while the policy copies its key', () => {
    const spec = { affinity: { nodeAffinity: required({ matchExpressions: [zone, arch('arm64')] }) } };
    const added = [{ path: `${TERMS}/0/matchExpressions/0`, value: zone }];
    expect(revertSpec(spec, added, 1, ['zone'])).toEqual({
      affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }) },
    });
    expect(revertSpec(spec, added, 1, ['team'])).toEqual(spec);
  });

  test('PL2 after a term was inserted, no expression is removed', () => {
    const owners = { matchExpressions: [zone, arch('arm64')] };
    const added = { matchExpressions: [zone, arch('arm64')] };
    const spec = { affinity: { nodeAffinity: required({ matchExpressions: [zone] }, owners, added) } };
    // Recorded when the pod had two terms and the addition was in the second: now that is the owner's.
    expect(revertSpec(spec, [{ path: `${TERMS}/1/matchExpressions/1`, value: arch('arm64') }], 2)).toEqual(spec);
  });
});

describe('managed shapes', () => {
  const expression = (value: Json): [JsonObject, Addition] => [
    { affinity: { nodeAffinity: required({ matchExpressions: [zone, value] }) } },
    { path: `${TERMS}/0/matchExpressions/1`, value },
  ];
  const tolerated = (value: Json): [JsonObject, Addition] => [
    { tolerations: [value] },
    { path: '/spec/tolerations/0', value },
  ];
  const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
  const withPreferredTerm = (value: Json): [JsonObject, Addition] => [
    { affinity: { nodeAffinity: { [PREFERRED]: [value] } } },
    { path: `/spec/affinity/nodeAffinity/${PREFERRED}/0`, value },
  ];
  const preferredTerm = { weight: 1, preference: { matchExpressions: [arch('arm64')] } };

  test.each<[string, [JsonObject, Addition], boolean]>([
    ['an expression', expression(arch('arm64')), true],
    ['an expression of two values', expression(arch('amd64', 'arm64')), true],
    ['text', expression('kubernetes.io/arch'), false],
    ['an expression with an extra field', expression({ ...arch('arm64'), more: 1 }), false],
    ['an exclusion', expression({ ...arch('arm64'), operator: 'NotIn' }), true],
    ['an exclusion with an extra field', expression({ ...arch('arm64'), operator: 'NotIn', more: 1 }), false],
    ['an exclusion without values', expression({ ...arch(), operator: 'NotIn' }), false],
    ['an exclusion of an unknown architecture', expression({ ...arch('vax'), operator: 'NotIn' }), false],
    [
      'an exclusion of an unknown architecture beside a known one',
      expression({ ...arch('arm64', 'vax'), operator: 'NotIn' }),
      false,
    ],
    ['an exclusion whose values are not a list', expression({ ...arch(), operator: 'NotIn', values: 'arm64' }), false],
    ['an exclusion by a copied label', expression({ key: 'team', operator: 'NotIn', values: ['a'] }), false],
    ['another operator', expression({ ...arch('arm64'), operator: 'Gt' }), false],
    ['no values', expression(arch()), false],
    ['values that are not a list', expression({ ...arch(), values: 'arm64' }), false],
    ['an unknown architecture', expression(arch('vax')), false],
    ['an unknown architecture among others', expression(arch('arm64', 'vax')), false],
    ['a number', expression({ ...arch(), values: [1] }), false],
    ['a copied label of two values', expression({ key: 'team', operator: 'In', values: ['a', 'b'] }), false],
    ['a copied label', expression({ key: 'team', operator: 'In', values: ['a'] }), true],
    ['a key that is not a string', expression({ key: 1, operator: 'In', values: ['a'] }), false],
    ['a toleration', tolerated(toleration), true],
    ['a toleration that is not an object', tolerated('all'), false],
    ['a toleration with an effect', tolerated({ ...toleration, effect: 'NoSchedule' }), false],
    ['a toleration of another key', tolerated({ ...toleration, key: 'gpu' }), false],
    ['a toleration of any value', tolerated({ ...toleration, operator: 'Exists' }), false],
    ['a toleration of an unknown architecture', tolerated({ ...toleration, value: 'vax' }), false],
    ['a toleration of a number', tolerated({ ...toleration, value: 1 }), false],
    ['a preferred term', withPreferredTerm(preferredTerm), true],
    ['a preferred term that is not an object', withPreferredTerm(1), false],
    ['a preferred term with an extra field', withPreferredTerm({ ...preferredTerm, more: 1 }), false],
    ['a preference that is not an object', withPreferredTerm({ weight: 1, preference: [] }), false],
    [
      'a preference with match fields',
      withPreferredTerm({ weight: 1, preference: { ...preferredTerm.preference, matchFields: [] } }),
      false,
    ],
    [
      'a preferred term that excludes',
      withPreferredTerm({ weight: 1, preference: { matchExpressions: [{ ...arch('arm64'), operator: 'NotIn' }] } }),
      false,
    ],
    ['a preference without expressions', withPreferredTerm({ weight: 1, preference: { matchExpressions: [] } }), false],
    [
      'a preference with two expressions',
      withPreferredTerm({ weight: 1, preference: { matchExpressions: [arch('arm64'), arch('amd64')] } }),
      false,
    ],
    [
      'a preference for a copied label',
      withPreferredTerm({
        weight: 1,
        preference: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] },
      }),
      false,
    ],
    ['a preference without a list', withPreferredTerm({ weight: 1, preference: { matchExpressions: {} } }), false],
  ])('PL2 %s: %#', (_, [spec, addition], added) => {
    const after = revertSpec(spec, [addition], 1, ['team']);
    if (added) expect(after).not.toEqual(spec);
    else expect(after).toEqual(spec);
  });

  const added = required({ matchExpressions: [arch('arm64')] });
  test.each<[string, JsonObject, Addition, Json]>([
    [
      'nothing of an added field that is already gone',
      { affinity: { nodeAffinity: added } },
      { path: '/spec/affinity', value: { nodeAffinity: { ...added, [PREFERRED]: [preferredTerm] } } },
      {},
    ],
    [
      'an added field beside another one',
      { affinity: { nodeAffinity: added, podAffinity: {} } },
      { path: '/spec/affinity', value: { nodeAffinity: added, podAffinity: {} } },
      { affinity: { podAffinity: {} } },
    ],
    [
      'preferred terms as a whole, and a part of the required ones',
      {
        affinity: {
          nodeAffinity: { ...required({ matchExpressions: [arch('arm64'), zone] }), [PREFERRED]: [preferredTerm] },
        },
      },
      { path: '/spec/affinity', value: { nodeAffinity: { ...added, [PREFERRED]: [preferredTerm] } } },
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    ['no empty object', { affinity: {} }, { path: '/spec/affinity', value: {} }, { affinity: {} }],
    ['no empty list', { tolerations: [] }, { path: '/spec/tolerations', value: [] }, { tolerations: [] }],
    [
      'of two equal elements the one at the recorded position',
      { tolerations: [toleration, { key: 'x' }, toleration] },
      { path: '/spec/tolerations/2', value: toleration },
      { tolerations: [toleration, { key: 'x' }] },
    ],
    [
      'two elements of a list that grew between them',
      { tolerations: [toleration, { key: 'x' }, { ...toleration, value: 'amd64' }] },
      { path: '/spec/tolerations', value: [toleration, { ...toleration, value: 'amd64' }] },
      { tolerations: [{ key: 'x' }] },
    ],
    [
      'nothing of a list that is no longer a list',
      { tolerations: 'all' },
      { path: '/spec/tolerations', value: [toleration] },
      { tolerations: 'all' },
    ],
    [
      'nothing by a record that is not a list',
      { tolerations: [toleration] },
      { path: '/spec/tolerations', value: toleration },
      { tolerations: [toleration] },
    ],
    [
      'nothing by a record that is not an object',
      { affinity: { nodeAffinity: added } },
      { path: '/spec/affinity', value: ['nodeAffinity'] },
      { affinity: { nodeAffinity: added } },
    ],
    [
      'nothing of an object that is now a list',
      { affinity: [added] },
      { path: '/spec/affinity', value: { nodeAffinity: added } },
      { affinity: [added] },
    ],
    [
      'nothing of terms that are now an object',
      {
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: { length: 1 } } },
        },
      },
      { path: '/spec/affinity', value: { nodeAffinity: added } },
      {
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: { length: 1 } } },
        },
      },
    ],
    [
      'no terms by a record that is not a list',
      { affinity: { nodeAffinity: added } },
      {
        path: '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution',
        value: { nodeSelectorTerms: { 0: 1 } },
      },
      { affinity: { nodeAffinity: added } },
    ],
  ])('PL2 removes %s', (_, spec, addition, expected) => {
    expect(revertSpec(spec, [addition])).toEqual(expected);
  });
});
