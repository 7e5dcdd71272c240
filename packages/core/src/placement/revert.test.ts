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

const taken = (spec: JsonObject, added: Addition[], terms = 1, copied: string[] = []): Json =>
  revert({ spec }, { added, terms }, copied).pod['spec'] ?? null;

describe('revert', () => {
  const created: Addition = {
    path: '/spec/affinity',
    value: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }) },
  };

  test.each<[string, JsonObject, Addition[], Json]>([
    ['what we created goes with its parents', { affinity: created.value }, [created], {}],
    [
      'what another put beside it stays, with the parents that it needs',
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }), podAntiAffinity: { x: 1 } } },
      [created],
      { affinity: { podAntiAffinity: { x: 1 } } },
    ],
    [
      "another's expression in our term stays in its term",
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64'), zone] }) } },
      [created],
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    [
      "another's term beside ours: none of them is known to be ours",
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }, { matchExpressions: [arch('arm64')] }) } },
      [created],
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }, { matchExpressions: [arch('arm64')] }) } },
    ],
    [
      'an expression that was changed is no longer ours',
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64', 'amd64')] }) } },
      [created],
      { affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64', 'amd64')] }) } },
    ],
    [
      'an expression that we appended',
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
      'a toleration, and those of others stay in order',
      { tolerations: [{ key: 'a' }, toleration, { key: 'b' }] },
      [{ path: '/spec/tolerations/1', value: toleration }],
      { tolerations: [{ key: 'a' }, { key: 'b' }] },
    ],
    [
      'a list that we created goes only when it holds nothing else',
      { tolerations: [toleration, { key: 'b' }] },
      [{ path: '/spec/tolerations', value: [toleration] }],
      { tolerations: [{ key: 'b' }] },
    ],
    [
      'our gate',
      { schedulingGates: [{ name: 'archpolicy.dev/inspecting' }] },
      [{ path: '/spec/schedulingGates', value: [{ name: 'archpolicy.dev/inspecting' }] }],
      {},
    ],
  ])('PL2 takes out %s', (_, spec, added, expected) => {
    expect(taken(spec, added)).toEqual(expected);
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
      'a toleration of ours with seconds',
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
    ['what is no pointer', { affinity: {} }, { path: 'spec/affinity', value: {} }],
    ['what every object inherits', { affinity: {} }, { path: '/spec/constructor/name', value: 'Object' }],
    [
      'an element that is no index',
      { tolerations: [{ key: 'a' }] },
      { path: '/spec/tolerations/first', value: { key: 'a' } },
    ],
    [
      'an expression below another',
      { tolerations: [toleration] },
      { path: '/spec/tolerations/0/key', value: 'kubernetes.io/arch' },
    ],
  ];
  test.each(forged)('PL2 a forged record cannot take out %s', (_, spec, addition) => {
    expect(taken(spec, [addition])).toEqual(spec);
  });

  test('PL2 a copied label is ours only while the policy copies that key', () => {
    const spec = { affinity: { nodeAffinity: required({ matchExpressions: [zone, arch('arm64')] }) } };
    const added = [{ path: `${TERMS}/0/matchExpressions/0`, value: zone }];
    expect(taken(spec, added, 1, ['zone'])).toEqual({
      affinity: { nodeAffinity: required({ matchExpressions: [arch('arm64')] }) },
    });
    expect(taken(spec, added, 1, ['team'])).toEqual(spec);
  });

  test('PL2 where a term has been inserted, no expression is known to be ours', () => {
    const owners = { matchExpressions: [zone, arch('arm64')] };
    const ours = { matchExpressions: [zone, arch('arm64')] };
    const spec = { affinity: { nodeAffinity: required({ matchExpressions: [zone] }, owners, ours) } };
    // Recorded when there were two terms, of which the second was ours: now the owner's stands there.
    expect(taken(spec, [{ path: `${TERMS}/1/matchExpressions/1`, value: arch('arm64') }], 2)).toEqual(spec);
  });
});

describe('what looks like ours', () => {
  const expression = (value: Json): [JsonObject, Addition] => [
    { affinity: { nodeAffinity: required({ matchExpressions: [zone, value] }) } },
    { path: `${TERMS}/0/matchExpressions/1`, value },
  ];
  const tolerated = (value: Json): [JsonObject, Addition] => [
    { tolerations: [value] },
    { path: '/spec/tolerations/0', value },
  ];
  const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';
  const wished = (value: Json): [JsonObject, Addition] => [
    { affinity: { nodeAffinity: { [PREFERRED]: [value] } } },
    { path: `/spec/affinity/nodeAffinity/${PREFERRED}/0`, value },
  ];
  const wish = { weight: 1, preference: { matchExpressions: [arch('arm64')] } };

  test.each<[string, [JsonObject, Addition], boolean]>([
    ['our expression', expression(arch('arm64')), true],
    ['our expression of two', expression(arch('amd64', 'arm64')), true],
    ['text', expression('kubernetes.io/arch'), false],
    ['an expression with a field more', expression({ ...arch('arm64'), more: 1 }), false],
    ['our exclusion', expression({ ...arch('arm64'), operator: 'NotIn' }), true],
    ['an exclusion with a field more', expression({ ...arch('arm64'), operator: 'NotIn', more: 1 }), false],
    ['an exclusion of nothing', expression({ ...arch(), operator: 'NotIn' }), false],
    ['an exclusion of what is no architecture', expression({ ...arch('vax'), operator: 'NotIn' }), false],
    ['an exclusion of values that are no list', expression({ ...arch(), operator: 'NotIn', values: 'arm64' }), false],
    ['an exclusion by a copied label', expression({ key: 'team', operator: 'NotIn', values: ['a'] }), false],
    ['another operator', expression({ ...arch('arm64'), operator: 'Gt' }), false],
    ['no values', expression(arch()), false],
    ['values that are no list', expression({ ...arch(), values: 'arm64' }), false],
    ['what is no architecture', expression(arch('vax')), false],
    ['one that is none among others', expression(arch('arm64', 'vax')), false],
    ['a number', expression({ ...arch(), values: [1] }), false],
    ['a copied label of two values', expression({ key: 'team', operator: 'In', values: ['a', 'b'] }), false],
    ['a copied label', expression({ key: 'team', operator: 'In', values: ['a'] }), true],
    ['a key that is no text', expression({ key: 1, operator: 'In', values: ['a'] }), false],
    ['our toleration', tolerated(toleration), true],
    ['a toleration that is no object', tolerated('all'), false],
    ['a toleration with an effect', tolerated({ ...toleration, effect: 'NoSchedule' }), false],
    ['a toleration of another key', tolerated({ ...toleration, key: 'gpu' }), false],
    ['a toleration of any value', tolerated({ ...toleration, operator: 'Exists' }), false],
    ['a toleration of what is no architecture', tolerated({ ...toleration, value: 'vax' }), false],
    ['a toleration of a number', tolerated({ ...toleration, value: 1 }), false],
    ['our preferred term', wished(wish), true],
    ['a preferred term that is no object', wished(1), false],
    ['a preferred term with a field more', wished({ ...wish, more: 1 }), false],
    ['a preference that is no object', wished({ weight: 1, preference: [] }), false],
    [
      'a preference with match fields',
      wished({ weight: 1, preference: { ...wish.preference, matchFields: [] } }),
      false,
    ],
    [
      'a preferred term that excludes',
      wished({ weight: 1, preference: { matchExpressions: [{ ...arch('arm64'), operator: 'NotIn' }] } }),
      false,
    ],
    ['a preference of no expression', wished({ weight: 1, preference: { matchExpressions: [] } }), false],
    [
      'a preference of two',
      wished({ weight: 1, preference: { matchExpressions: [arch('arm64'), arch('amd64')] } }),
      false,
    ],
    [
      'a preference for a copied label',
      wished({ weight: 1, preference: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] } }),
      false,
    ],
    ['a preference without a list', wished({ weight: 1, preference: { matchExpressions: {} } }), false],
  ])('PL2 %s: %#', (_, [spec, addition], ours) => {
    const after = taken(spec, [addition], 1, ['team']);
    if (ours) expect(after).not.toEqual(spec);
    else expect(after).toEqual(spec);
  });

  const ours = required({ matchExpressions: [arch('arm64')] });
  test.each<[string, JsonObject, Addition, Json]>([
    [
      'a field of ours that is gone already',
      { affinity: { nodeAffinity: ours } },
      { path: '/spec/affinity', value: { nodeAffinity: { ...ours, [PREFERRED]: [wish] } } },
      {},
    ],
    [
      'a field beside ours that is not',
      { affinity: { nodeAffinity: ours, podAffinity: {} } },
      { path: '/spec/affinity', value: { nodeAffinity: ours, podAffinity: {} } },
      { affinity: { podAffinity: {} } },
    ],
    [
      'preferred terms whole, and of the required ones a part',
      { affinity: { nodeAffinity: { ...required({ matchExpressions: [arch('arm64'), zone] }), [PREFERRED]: [wish] } } },
      { path: '/spec/affinity', value: { nodeAffinity: { ...ours, [PREFERRED]: [wish] } } },
      { affinity: { nodeAffinity: required({ matchExpressions: [zone] }) } },
    ],
    ['no empty object', { affinity: {} }, { path: '/spec/affinity', value: {} }, { affinity: {} }],
    ['no empty list', { tolerations: [] }, { path: '/spec/tolerations', value: [] }, { tolerations: [] }],
    [
      'of two equal ones that at its place',
      { tolerations: [toleration, { key: 'x' }, toleration] },
      { path: '/spec/tolerations/2', value: toleration },
      { tolerations: [toleration, { key: 'x' }] },
    ],
    [
      'two of a list that grew between them',
      { tolerations: [toleration, { key: 'x' }, { ...toleration, value: 'amd64' }] },
      { path: '/spec/tolerations', value: [toleration, { ...toleration, value: 'amd64' }] },
      { tolerations: [{ key: 'x' }] },
    ],
    [
      'nothing of a list that is now something else',
      { tolerations: 'all' },
      { path: '/spec/tolerations', value: [toleration] },
      { tolerations: 'all' },
    ],
    [
      'nothing by a record that is no list',
      { tolerations: [toleration] },
      { path: '/spec/tolerations', value: toleration },
      { tolerations: [toleration] },
    ],
    [
      'nothing by a record that is no object',
      { affinity: { nodeAffinity: ours } },
      { path: '/spec/affinity', value: ['nodeAffinity'] },
      { affinity: { nodeAffinity: ours } },
    ],
    [
      'nothing of an object that is now a list',
      { affinity: [ours] },
      { path: '/spec/affinity', value: { nodeAffinity: ours } },
      { affinity: [ours] },
    ],
    [
      'no terms that are now an object',
      {
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: { length: 1 } } },
        },
      },
      { path: '/spec/affinity', value: { nodeAffinity: ours } },
      {
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: { length: 1 } } },
        },
      },
    ],
    [
      'no terms by a record that is no list',
      { affinity: { nodeAffinity: ours } },
      {
        path: '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution',
        value: { nodeSelectorTerms: { 0: 1 } },
      },
      { affinity: { nodeAffinity: ours } },
    ],
  ])('PL2 takes out %s', (_, spec, addition, expected) => {
    expect(taken(spec, [addition])).toEqual(expected);
  });
});
