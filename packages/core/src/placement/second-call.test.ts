import { describe, expect, test } from '@jest/globals';
import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { Row } from './fixtures/row.ts';
import { buildInput } from './fixtures/row.ts';
import { summarize } from './fixtures/summary.ts';
import { applyPatch } from './json-patch.ts';
import { placePod } from './place-pod.ts';

describe('a second call', () => {
  const both: Row = {
    images: { app: 'linux/amd64 linux/arm64', side: 'linux/arm64' },
    pod: { containers: [{ name: 'a', image: 'app' }] },
    nodes: ['amd64', 'arm64'].map((arch) => ({ arch, taints: [`kubernetes.io/arch=${arch}:NoSchedule`] })),
  };
  const policy = { preference: { architectures: ['amd64'] }, tolerateArchitectureTaints: true };
  const getSpec = (pod: JsonObject): JsonObject => pod['spec'] as JsonObject;
  const admit = (row: Row): JsonObject => {
    const input = buildInput(row);
    const applied = applyPatch(input.pod, placePod(input).patch);
    return applied.kind === 'applied' ? (applied.value as JsonObject) : {};
  };
  const placeAgain = (row: Row, pod: JsonObject, change: JsonObject): ReturnType<typeof summarize> =>
    summarize({ ...buildInput(row), pod: { ...pod, spec: { ...getSpec(pod), ...change } } });

  test('PL2 after a sidecar for another architecture was injected, the decision replaces the first one', () => {
    const row = { ...both, policy };
    const first = admit(row);
    const sidecar = {
      containers: [
        { name: 'a', image: 'app' },
        { name: 's', image: 'side' },
      ],
    };
    expect(placeAgain(row, first, sidecar)).toMatchObject({
      then: 'constrain ImagesSupport arm64',
      required: 'arch In arm64',
      tolerations: 'arch Equal arm64',
    });
  });

  test('PL2 excluded architectures are removed when no node without the label is left', () => {
    const row: Row = { ...both, nodes: ['amd64', { arch: '', name: 'virtual' }] };
    const first = admit(row);
    expect(summarize({ ...buildInput(row), pod: first })).toMatchObject({
      then: 'constrain ImagesSupport amd64 arm64',
      required: 'arch NotIn arm loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x',
      changed: false,
    });
    expect(placeAgain({ ...row, nodes: ['amd64'] }, first, {})).toMatchObject({ required: 'arch In amd64 arm64' });
  });

  const affinity = { podAntiAffinity: {} };
  const bare: Row = { ...both, bare: true, policy, pod: { containers: [{ name: 'a', image: 'app' }], affinity } };

  test("PL2 an added key in the node selector of a bare pod is decided again, and the pod's own keys stay", () => {
    const nodes = ['amd64', 'arm64'].map((arch) => ({ arch, labels: { zone: 'a' } }));
    const selected: Row = { ...bare, nodes, pod: { ...bare.pod, nodeSelector: { zone: 'a' } } };
    const first = admit(selected);
    expect(getSpec(first)['nodeSelector']).toEqual({ zone: 'a', 'kubernetes.io/arch': 'amd64' });
    const sidecar = { containers: [{ image: 'app' }, { image: 'side' }] };
    const second = placePod({ ...buildInput(selected), pod: { ...first, spec: { ...getSpec(first), ...sidecar } } });
    expect(second.decision).toMatchObject({ kind: 'constrain', architectures: ['arm64'] });
    expect(second.patch).toContainEqual({ op: 'add', path: '/spec/nodeSelector/kubernetes.io~1arch', value: 'arm64' });
  });

  test.each<[string, string, JsonObject]>([
    ['keys that the namespace has', 'team=a, kubernetes.io/arch=amd64', { team: 'a', 'kubernetes.io/arch': 'amd64' }],
    ['keys that it does not have', 'zone=b', { 'kubernetes.io/arch': 'arm64' }],
  ])('PL2 an annotation that claims the node selector of PodNodeSelector: %s', (_, namespaceSelector, expected) => {
    const claimed = { team: 'a', 'kubernetes.io/arch': 'amd64' };
    const added = [{ path: '/spec/nodeSelector', value: claimed }];
    const row: Row = {
      ...bare,
      pod: { ...bare.pod, nodeSelector: claimed },
      policy: { ...policy, preference: { architectures: ['arm64'] }, copyLabelsToNodeAffinity: ['team'] },
      namespace: { annotations: { 'scheduler.alpha.kubernetes.io/node-selector': namespaceSelector } },
      metadata: {
        annotations: { [ANNOTATION_DECISION]: JSON.stringify({ v: 1, kind: 'constrain', reason: 'Preferred', added }) },
      },
    };
    expect(getSpec(admit(row))['nodeSelector']).toEqual(expected);
  });

  test('PL2 a second call changes nothing of a bare pod with affinity', () => {
    const first = admit(bare);
    expect(getSpec(first)).toMatchObject({ affinity, nodeSelector: { 'kubernetes.io/arch': 'amd64' } });
    expect(placePod({ ...buildInput(bare), pod: first }).patch).toEqual([]);
  });

  test.each<[string, JsonObject, Json]>([
    ['a key with another value', { 'kubernetes.io/arch': 's390x' }, { 'kubernetes.io/arch': 'amd64' }],
    ['a key that is not managed', { zone: 'a' }, { zone: 'a' }],
    ['a value that no node has', { 'kubernetes.io/arch': 'x86' }, { 'kubernetes.io/arch': 'x86' }],
    ['a key deeper than a node selector', { 'kubernetes.io/arch': 'arm64' }, { 'kubernetes.io/arch': { a: 'arm64' } }],
  ])('PL2 an annotation with %s removes nothing from a node selector', (_, nodeSelector, claimed) => {
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
    expect(placePod(buildInput(row)).patch.filter(({ op }) => op === 'remove')).toEqual([]);
  });

  test('PL2 after an injected sidecar without a common architecture, the constraint and its record are removed', () => {
    const row: Row = { ...both, policy, images: { app: 'linux/amd64', side: 'linux/arm64' } };
    const first = admit(row);
    const input = {
      ...buildInput(row),
      pod: {
        ...first,
        spec: {
          ...getSpec(first),
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

  test("PL2 an architecture that the owner adds between the calls is the owner's choice", () => {
    const row = { ...both, policy };
    expect(placeAgain(row, admit(row), { nodeSelector: { 'kubernetes.io/arch': 'arm64' } })).toMatchObject({
      then: 'constrain OwnerChoice arm64',
      required: '',
      tolerations: 'arch Equal arm64',
    });
  });

  test('PL2 an element that another webhook appended keeps its position, and the added one moves behind it once', () => {
    const row = { ...both, policy };
    const first = admit(row);
    const theirs = [...(getSpec(first)['tolerations'] as Json[]), { key: 'gpu', operator: 'Exists' }];
    const pod = { ...first, spec: { ...getSpec(first), tolerations: theirs } };
    const second = placePod({ ...buildInput(row), pod });
    const after = applyPatch(pod, second.patch);
    const value = after.kind === 'applied' ? (after.value as JsonObject) : {};
    expect(getSpec(value)['tolerations']).toEqual([
      { key: 'gpu', operator: 'Exists' },
      { key: 'kubernetes.io/arch', operator: 'Equal', value: 'amd64' },
    ]);
    expect(placePod({ ...buildInput(row), pod: value }).patch).toEqual([]);
  });

  test('PL2 if only an image is new, only the record changes', () => {
    const row: Row = { ...both, images: { app: 'linux/arm64', side: 'linux/arm64' } };
    const first = admit(row);
    const containers = [
      { name: 'a', image: 'app' },
      { name: 's', image: 'side' },
    ];
    const { patch } = placePod({ ...buildInput(row), pod: { ...first, spec: { ...getSpec(first), containers } } });
    expect(patch.map(({ op, path }) => [op, path])).toEqual([
      ['replace', '/metadata/annotations/archpolicy.dev~1decision'],
    ]);
  });

  test('PL2 the second call leaves an exempt pod unchanged, with its additions', () => {
    const row = { ...both, policy };
    const first = admit(row);
    const input = { ...buildInput(row), pod: { ...first, spec: { ...getSpec(first), nodeName: 'n1' } } };
    expect(placePod(input)).toMatchObject({ decision: { kind: 'leave', reason: 'NodeAssigned' }, patch: [] });
  });

  test('PL2 an unreadable annotation is replaced, and nothing is removed because of it', () => {
    const row: Row = {
      images: { app: 'linux/arm64' },
      metadata: { annotations: { 'archpolicy.dev/decision': '{"v":1,' } },
    };
    const { patch } = placePod(buildInput(row));
    expect(patch.map(({ op, path }) => [op, path])).toEqual([
      ['add', '/spec/affinity'],
      ['replace', '/metadata/annotations/archpolicy.dev~1decision'],
    ]);
  });

  test('PL2 a pod with too many terms for the record is constrained, once', () => {
    const terms = Array.from({ length: 40 }, (_, i) => `zone In z${i}`);
    const row: Row = { images: { app: 'linux/arm64' }, terms };
    const first = admit(row);
    expect(summarize({ ...buildInput(row), pod: first })).toMatchObject({ then: 'leave OwnerChoice', changed: false });
    expect(naiveCount(first, 'arch')).toBe(40);
  });
});

function naiveCount(pod: JsonObject, word: string): number {
  return JSON.stringify(pod['spec']).split(`kubernetes.io/${word}`).length - 1;
}
