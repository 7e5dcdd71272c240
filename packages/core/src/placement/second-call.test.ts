import { describe, expect, test } from '@jest/globals';
import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { Row } from './fixtures/row.ts';
import { inputOf } from './fixtures/row.ts';
import { summaryOf } from './fixtures/summary.ts';
import { applyPatch } from './json-patch.ts';
import { placePod } from './place-pod.ts';

describe('a second call', () => {
  const both: Row = {
    images: { app: 'linux/amd64 linux/arm64', side: 'linux/arm64' },
    pod: { containers: [{ name: 'a', image: 'app' }] },
    nodes: ['amd64', 'arm64'].map((arch) => ({ arch, taints: [`kubernetes.io/arch=${arch}:NoSchedule`] })),
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

  test('PL2 the architectures that we excluded are taken out again once no node without the label is left', () => {
    const row: Row = { ...both, nodes: ['amd64', { arch: '', name: 'virtual' }] };
    const first = mutated(row);
    expect(summaryOf({ ...inputOf(row), pod: first })).toMatchObject({
      then: 'constrain ImagesSupport amd64 arm64',
      required: 'arch NotIn arm loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x',
      changed: false,
    });
    expect(again({ ...row, nodes: ['amd64'] }, first, {})).toMatchObject({ required: 'arch In amd64 arm64' });
  });

  const affinity = { podAntiAffinity: {} };
  const bare: Row = { ...both, bare: true, policy, pod: { containers: [{ name: 'a', image: 'app' }], affinity } };

  test('PL2 a key of ours in the node selector of a bare pod is decided again, and its own keys stay', () => {
    const nodes = ['amd64', 'arm64'].map((arch) => ({ arch, labels: { zone: 'a' } }));
    const selected: Row = { ...bare, nodes, pod: { ...bare.pod, nodeSelector: { zone: 'a' } } };
    const first = mutated(selected);
    expect(specOf(first)['nodeSelector']).toEqual({ zone: 'a', 'kubernetes.io/arch': 'amd64' });
    const sidecar = { containers: [{ image: 'app' }, { image: 'side' }] };
    const second = placePod({ ...inputOf(selected), pod: { ...first, spec: { ...specOf(first), ...sidecar } } });
    expect(second.decision).toMatchObject({ kind: 'constrain', architectures: ['arm64'] });
    expect(second.patch).toContainEqual({ op: 'add', path: '/spec/nodeSelector/kubernetes.io~1arch', value: 'arm64' });
  });

  test('PL2 of a bare pod with affinity, a second call changes nothing', () => {
    const first = mutated(bare);
    expect(specOf(first)).toMatchObject({ affinity, nodeSelector: { 'kubernetes.io/arch': 'amd64' } });
    expect(placePod({ ...inputOf(bare), pod: first }).patch).toEqual([]);
  });

  test.each<[string, JsonObject, Json]>([
    ['a key of another value', { 'kubernetes.io/arch': 's390x' }, { 'kubernetes.io/arch': 'amd64' }],
    ['a key that is not ours', { zone: 'a' }, { zone: 'a' }],
    ['a value that no node has', { 'kubernetes.io/arch': 'x86' }, { 'kubernetes.io/arch': 'x86' }],
    [
      'a key deeper than a node selector has',
      { 'kubernetes.io/arch': 'arm64' },
      { 'kubernetes.io/arch': { a: 'arm64' } },
    ],
  ])('PL2 an annotation that claims %s takes nothing out of a node selector', (_, nodeSelector, claimed) => {
    const annotation = {
      v: 1,
      kind: 'constrain',
      reason: 'Preferred',
      added: [{ path: '/spec/nodeSelector', value: claimed }],
    };
    const row = {
      ...bare,
      pod: { ...bare.pod, nodeSelector },
      metadata: { annotations: { [ANNOTATION_DECISION]: JSON.stringify(annotation) } },
    };
    expect(placePod(inputOf(row)).patch.filter(({ op }) => op === 'remove')).toEqual([]);
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
      then: 'constrain OwnerChoice arm64',
      required: '',
      tolerations: 'arch Equal arm64',
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

  test('PL2 where nothing but an image is new, nothing but the record changes', () => {
    const row: Row = { ...both, images: { app: 'linux/arm64', side: 'linux/arm64' } };
    const first = mutated(row);
    const containers = [
      { name: 'a', image: 'app' },
      { name: 's', image: 'side' },
    ];
    const { patch } = placePod({ ...inputOf(row), pod: { ...first, spec: { ...specOf(first), containers } } });
    expect(patch.map(({ op, path }) => [op, path])).toEqual([
      ['replace', '/metadata/annotations/archpolicy.dev~1decision'],
    ]);
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
    const terms = Array.from({ length: 40 }, (_, i) => `zone In z${i}`);
    const row: Row = { images: { app: 'linux/arm64' }, terms };
    const first = mutated(row);
    expect(summaryOf({ ...inputOf(row), pod: first })).toMatchObject({ then: 'leave OwnerChoice', changed: false });
    expect(naiveCount(first, 'arch')).toBe(40);
  });
});

function naiveCount(pod: JsonObject, word: string): number {
  return JSON.stringify(pod['spec']).split(`kubernetes.io/${word}`).length - 1;
}
