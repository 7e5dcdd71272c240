import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json/json.ts';
import type { Constrain } from './decision.ts';
import type { Row } from './fixtures/row.ts';
import { buildInput } from './fixtures/row.ts';
import { applyPatch } from './json-patch.ts';
import { placePod } from './place-pod.ts';
import { MAX_ANNOTATIONS_BYTES, selfCheck } from './self-check.ts';
import { isOversized, isSearchable } from '../pod/limits.ts';
import { readPodView } from './pod-view.ts';

const decision: Constrain = {
  kind: 'constrain',
  reason: 'ImagesSupport',
  unresolved: [],
  warnings: [],
  architectures: ['arm64'],
  requirements: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }],
  preferred: [],
  tolerated: [],
};
const pod: JsonObject = { metadata: { annotations: { a: 'b' } }, spec: {} };

describe('selfCheck', () => {
  test.each<[string, Partial<Constrain>, string]>([
    ['a valid requirement', {}, 'passed'],
    ['an invalid label value', { requirements: [{ key: 'k', operator: 'In', values: ['a b'] }] }, 'InvalidRequirement'],
    [
      'a valid and an invalid value',
      { requirements: [{ key: 'k', operator: 'In', values: ['a', 'a b'] }] },
      'InvalidRequirement',
    ],
    [
      'a value that is too long',
      { requirements: [{ key: 'k', operator: 'In', values: ['a'.repeat(64)] }] },
      'InvalidRequirement',
    ],
    ['an invalid label key', { requirements: [{ key: 'a b', operator: 'In', values: ['a'] }] }, 'InvalidRequirement'],
    ['no value', { requirements: [{ key: 'k', operator: 'In', values: [] }] }, 'InvalidRequirement'],
    ['a weight of 0', { preferred: [{ architecture: 'arm64', weight: 0 }] }, 'InvalidWeight'],
    ['a weight of 101', { preferred: [{ architecture: 'arm64', weight: 101 }] }, 'InvalidWeight'],
    ['a fractional weight', { preferred: [{ architecture: 'arm64', weight: 1.5 }] }, 'InvalidWeight'],
    [
      'weights of 1 and 100',
      {
        preferred: [
          { architecture: 'arm64', weight: 1 },
          { architecture: 'amd64', weight: 100 },
        ],
      },
      'passed',
    ],
  ])('PL11 %s', (_, more, expected) => {
    const check = selfCheck(pod, [{ op: 'add', path: '/spec/x', value: 1 }], { ...decision, ...more });
    expect(check.kind === 'passed' ? 'passed' : check.problem).toBe(expected);
  });

  test('PL11 a patch that does not apply', () => {
    expect(selfCheck(pod, [{ op: 'add', path: '/spec/x/y', value: 1 }], decision)).toEqual({
      kind: 'failed',
      problem: 'DoesNotApply',
    });
  });

  test.each<[number, string]>([
    [0, 'passed'],
    [1, 'AnnotationsTooLarge'],
  ])('PL11 annotations %d bytes beyond the limit', (beyond, expected) => {
    // Two keys of one character, and one value with two bytes per character.
    const value = 'ä'.repeat((MAX_ANNOTATIONS_BYTES - 2) / 2 - 1);
    const large = { metadata: { annotations: { a: value, b: 'x'.repeat(2 + beyond) } }, spec: {} };
    const check = selfCheck(large, [{ op: 'add', path: '/spec/x', value: 1 }], decision);
    expect(check.kind === 'passed' ? 'passed' : check.problem).toBe(expected);
  });
});

describe('a pod whose annotations leave no room for the decision', () => {
  const row: Row = {
    images: { app: 'linux/arm64' },
    metadata: { annotations: { filler: 'x'.repeat(MAX_ANNOTATIONS_BYTES - 100) } },
  };

  test('PL11 is constrained without the decision annotation', () => {
    expect(placePod(buildInput(row))).toMatchObject({
      decision: { kind: 'constrain' },
      patch: [{ op: 'add', path: '/spec/affinity' }],
    });
  });

  test('PL11 is left to the API server if its own annotations are too large', () => {
    const filler = 'x'.repeat(MAX_ANNOTATIONS_BYTES);
    expect(placePod(buildInput({ ...row, metadata: { annotations: { filler } } })).patch).toHaveLength(1);
  });

  test('PL11 and is not constrained again', () => {
    const input = buildInput(row);
    const applied = applyPatch(input.pod, placePod(input).patch);
    const after = applied.kind === 'applied' ? (applied.value as JsonObject) : {};
    expect(placePod({ ...input, pod: after }).patch).toEqual([]);
  });
});

describe('objects that no API server sends', () => {
  test('PL11 any forged review gets a response, and its patch applies', () => {
    const field = fc.constantFrom(
      'spec',
      'metadata',
      'containers',
      'image',
      'affinity',
      'nodeAffinity',
      'tolerations',
      'annotations',
      'labels',
      'requiredDuringSchedulingIgnoredDuringExecution',
      'nodeSelectorTerms',
      'matchExpressions',
      'key',
      'operator',
      'values',
      'nodeSelector',
      'schedulingGates',
      'ownerReferences',
      'managedFields',
      '__proto__',
      'constructor',
      'archpolicy.dev/decision',
      'volumes',
      'os',
      'name',
    );
    const tree = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.constantFrom<Json>(null, 0, '', 'app', 'kubernetes.io/arch', 'In', true),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.array(fc.tuple(field, tie('tree')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      ),
    })).tree;
    const base = buildInput({
      images: { app: 'linux/arm64' },
      canGate: true,
      policy: { preference: { architectures: ['amd64'], type: 'Prefer' }, copyLabelsToNodeAffinity: ['name'] },
    });
    fc.assert(
      fc.property(tree, tree, tree, (metadata, affinity, spec) => {
        const containers = [{ image: 'app' }];
        for (const raw of [
          { metadata, spec },
          { metadata, spec: { containers, affinity } },
          { metadata, spec: { containers, affinity: { nodeAffinity: affinity }, tolerations: spec } },
          { metadata: { annotations: metadata }, spec: { containers, nodeSelector: affinity, schedulingGates: spec } },
        ]) {
          const input = { ...base, pod: raw };
          expect(applyPatch(raw, placePod(input).patch).kind).toBe('applied');
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[string, JsonObject]>([
    ['images', { containers: Array.from({ length: 257 }, (_, i) => ({ image: `app:${i}` })) }],
    [
      'tolerations',
      { containers: [{ image: 'app' }], tolerations: Array.from({ length: 257 }, (_, i) => ({ key: `k${i}` })) },
    ],
    [
      'node selector keys',
      {
        containers: [{ image: 'app' }],
        nodeSelector: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, ''])),
      },
    ],
    ['terms', { containers: [{ image: 'app' }], ...selector(Array.from({ length: 257 }, () => ({}))) }],
    [
      'values',
      {
        containers: [{ image: 'app' }],
        ...selector([
          { matchExpressions: [{ key: 'k', operator: 'In', values: Array.from({ length: 2000 }, String) }] },
        ]),
      },
    ],
  ])('PL11 a pod of very many %s is exempt, without further processing', (_, spec) => {
    expect(placePod({ ...buildInput({}), pod: { metadata: {}, spec } })).toMatchObject({
      decision: { kind: 'leave', reason: 'Oversized' },
      patch: [],
    });
  });

  test('PL6 a pod that takes too long to match with every node is not narrowed', () => {
    const nodes = Array.from({ length: 5000 }, (_, i) => ({ arch: 'arm64', name: `n${i}`, labels: { zone: 'z99' } }));
    const terms = Array.from({ length: 100 }, (_, i) => `zone In z${i}`);
    const input = buildInput({
      nodes,
      terms,
      images: { app: 'linux/amd64 linux/arm64' },
      policy: { preference: { architectures: ['arm64'] } },
    });
    expect(placePod(input).decision).toMatchObject({ reason: 'PreferredNotSchedulable' });
  });
});

describe('sizes', () => {
  const values = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);
  const map = (count: number): JsonObject => Object.fromEntries(values(count).map((key) => [key, '']));
  const listed = (count: number): JsonObject =>
    selector([{ matchExpressions: [{ key: 'k', operator: 'In', values: values(count) }] }]);
  const fields = (count: number): JsonObject =>
    selector([{ matchFields: [{ key: 'k', operator: 'In', values: values(count) }] }]);

  test.each<[string, JsonObject, boolean]>([
    ['256 tolerations', { tolerations: values(256).map((key) => ({ key })) }, false],
    ['257 tolerations', { tolerations: values(257).map((key) => ({ key })) }, true],
    ['256 keys', { nodeSelector: map(256) }, false],
    ['257 keys', { nodeSelector: map(257) }, true],
    ['256 terms', selector(values(256).map(() => ({}))), false],
    ['257 terms', selector(values(257).map(() => ({}))), true],
    ['an expression of 1999 values', listed(1999), false],
    ['an expression of 2000 values', listed(2000), true],
    ['a match field of 1999 values', fields(1999), false],
    ['a match field of 2000 values', fields(2000), true],
    ['256 images', { containers: values(256).map((image) => ({ image })) }, false],
    ['257 images', { containers: values(257).map((image) => ({ image })) }, true],
  ])('PL11 %s: oversized %j', (_, spec, expected) => {
    expect(isOversized(readPodView({ metadata: {}, spec }))).toBe(expected);
  });

  test.each<[string, JsonObject, number]>([
    ['nothing', {}, 1],
    ['three tolerations', { tolerations: [{}, {}, {}] }, 4],
    ['three keys', { nodeSelector: map(3) }, 4],
    ['an expression of three values', listed(3), 5],
    ['a match field of three values', fields(3), 5],
    ['a comparison of integers', selector([{ matchExpressions: [{ key: 'k', operator: 'Gt', values: ['1'] }] }]), 13],
  ])('PL6 a node costs %s and one step', (_, spec, steps) => {
    const view = readPodView({ metadata: {}, spec });
    expect(isSearchable(view, Math.floor(250_000 / steps))).toBe(true);
    expect(isSearchable(view, Math.floor(250_000 / steps) + 1)).toBe(false);
  });

  test('PL11 the limit for annotations is that of the API server', () => {
    expect(MAX_ANNOTATIONS_BYTES).toBe(262_144);
  });
});

describe('a pod that the constraint would make invalid', () => {
  test('PL11 has the policy in its decision', () => {
    const row = {
      policy: { copyLabelsToNodeAffinity: ['team'] },
      metadata: { labels: { team: 'a b' } },
      images: { app: 'linux/arm64' },
    };
    expect(placePod(buildInput(row))).toEqual({
      decision: {
        kind: 'leave',
        reason: 'SelfCheckFailed',
        policy: 'default',
        unresolved: [],
        warnings: [{ kind: 'SelfCheckFailed' }],
      },
      patch: [],
      warnings: ['archpolicy: the constraint would make the pod invalid: not constrained'],
      auditAnnotations: { decision: 'leave', reason: 'SelfCheckFailed', policy: 'default' },
    });
  });
});

function selector(nodeSelectorTerms: readonly Json[]): JsonObject {
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } };
}
