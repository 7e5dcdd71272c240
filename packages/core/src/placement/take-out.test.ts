import { describe, expect, test } from '@jest/globals';
import { applyPatch } from './json-patch.ts';
import type { Json, JsonObject } from '../kubernetes/json.ts';
import type { Addition } from './additions.ts';
import type { Row } from './fixtures/row.ts';
import { inputOf } from './fixtures/row.ts';
import { summaryOf } from './fixtures/summary.ts';
import { placePod } from './place-pod.ts';
import { takeOut } from './take-out.ts';

const arch = (...values: string[]): JsonObject => ({ key: 'kubernetes.io/arch', operator: 'In', values });
const zone: JsonObject = { key: 'zone', operator: 'In', values: ['a'] };
const toleration: JsonObject = { key: 'kubernetes.io/arch', operator: 'Equal', value: 'arm64' };
const required = (...terms: JsonObject[]): JsonObject => ({
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
});
const TERMS = '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms';

const taken = (spec: JsonObject, added: Addition[], terms = 1, copied: string[] = []): Json =>
  takeOut({ spec }, { added, terms }, copied).pod['spec'] ?? null;

describe('takeOut', () => {
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

describe('a second call', () => {
  const both: Row = {
    images: { app: 'linux/amd64 linux/arm64', side: 'linux/arm64' },
    pod: { containers: [{ name: 'a', image: 'app' }] },
  };
  const policy = { preference: { architectures: ['amd64'] }, tolerateArchitectureTaints: true };
  const specOf = (pod: JsonObject): JsonObject => pod['spec'] as JsonObject;
  const mutated = (row: Row): JsonObject => {
    const input = inputOf(row);
    const applied = applyPatch(input.pod, placePod(input).patch);
    return applied.kind === 'applied' ? (applied.value as JsonObject) : {};
  };
  const again = (row: Row, pod: JsonObject, change: JsonObject): ReturnType<typeof summaryOf> =>
    summaryOf({ ...inputOf(row), pod: { ...pod, spec: { ...specOf(pod), ...change } } });

  test('PL2 after an injected sidecar that runs elsewhere, the answer is neither the first nor narrower than it', () => {
    const row = { ...both, policy };
    const first = mutated(row);
    const sidecar = {
      containers: [
        { name: 'a', image: 'app' },
        { name: 's', image: 'side' },
      ],
    };
    expect(again(row, first, sidecar)).toMatchObject({
      then: 'constrain ImagesSupport arm64',
      required: 'arch In arm64',
      tolerations: 'arch Equal arm64',
    });
  });

  test('PL2 after a sidecar that shares nothing with the pod, our constraint and its record are gone', () => {
    const row: Row = { ...both, policy, images: { app: 'linux/amd64', side: 'linux/arm64' } };
    const first = mutated(row);
    const input = {
      ...inputOf(row),
      pod: {
        ...first,
        spec: {
          ...specOf(first),
          containers: [
            { name: 'a', image: 'app' },
            { name: 's', image: 'side' },
          ],
        },
      },
    };
    const { decision, patch } = placePod(input);
    expect(decision).toMatchObject({ kind: 'leave', reason: 'NoCommonArchitecture' });
    expect(patch).toEqual([
      { op: 'remove', path: '/spec/tolerations' },
      { op: 'remove', path: '/spec/affinity' },
      { op: 'remove', path: '/metadata/annotations/archpolicy.dev~1decision' },
    ]);
  });

  test('PL2 an architecture that the owner adds between the calls is a choice', () => {
    const row = { ...both, policy };
    expect(again(row, mutated(row), { nodeSelector: { 'kubernetes.io/arch': 'arm64' } })).toMatchObject({
      then: 'leave OwnerChoice',
      required: '',
      tolerations: '',
    });
  });

  test('PL2 what another webhook appends after ours stays where it is, and ours moves behind it once', () => {
    const row = { ...both, policy };
    const first = mutated(row);
    const theirs = [...(specOf(first)['tolerations'] as Json[]), { key: 'gpu', operator: 'Exists' }];
    const pod = { ...first, spec: { ...specOf(first), tolerations: theirs } };
    const second = placePod({ ...inputOf(row), pod });
    const after = applyPatch(pod, second.patch);
    const value = after.kind === 'applied' ? (after.value as JsonObject) : {};
    expect(specOf(value)['tolerations']).toEqual([
      { key: 'gpu', operator: 'Exists' },
      { key: 'kubernetes.io/arch', operator: 'Equal', value: 'amd64' },
    ]);
    expect(placePod({ ...inputOf(row), pod: value }).patch).toEqual([]);
  });

  test('PL2 left alone means untouched, even with additions of ours', () => {
    const row = { ...both, policy };
    const first = mutated(row);
    const input = { ...inputOf(row), pod: { ...first, spec: { ...specOf(first), nodeName: 'n1' } } };
    expect(placePod(input)).toMatchObject({ decision: { kind: 'leave', reason: 'NodeAssigned' }, patch: [] });
  });

  test('PL2 an annotation that cannot be read is replaced, and nothing is taken out on its word', () => {
    const row: Row = {
      images: { app: 'linux/arm64' },
      metadata: { annotations: { 'archpolicy.dev/decision': '{"v":1,' } },
    };
    const { patch } = placePod(inputOf(row));
    expect(patch.map(({ op, path }) => [op, path])).toEqual([
      ['add', '/spec/affinity'],
      ['replace', '/metadata/annotations/archpolicy.dev~1decision'],
    ]);
  });

  test('PL2 so many terms that the record has no room for them are still constrained, once', () => {
    const terms = Array.from({ length: 40 }, (_, i) => ({
      matchExpressions: [{ key: 'zone', operator: 'In', values: [`z${i}`] }],
    }));
    const row: Row = { images: { app: 'linux/arm64' }, pod: { affinity: { nodeAffinity: required(...terms) } } };
    const first = mutated(row);
    expect(summaryOf({ ...inputOf(row), pod: first })).toMatchObject({ then: 'leave OwnerChoice', changed: false });
    expect(naiveCount(first, 'arch')).toBe(40);
  });
});

function naiveCount(pod: JsonObject, word: string): number {
  return JSON.stringify(pod['spec']).split(`kubernetes.io/${word}`).length - 1;
}
