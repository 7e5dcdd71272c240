import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json/json.ts';
import { world } from './fixtures/worlds.ts';
import { applyPatch } from './json-patch.ts';
import { placePod } from './place-pod.ts';
import { templateText } from './template.ts';

const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'u', controller: true }];
const pod = (spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject => ({
  metadata: { generateName: 'web-5d4f-', ownerReferences, ...metadata },
  spec: { containers: [{ name: 'c', image: 'app' }], ...spec },
});

type Path = readonly (string | number)[];

function listPaths(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, child]) =>
      child === undefined ? [] : listPaths(child, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function withValue(value: Json, [token, ...rest]: Path, replacement: Json): Json {
  if (token === undefined) return replacement;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    return list.with(Number(token), withValue(list[Number(token)] ?? null, rest, replacement));
  }
  const object = value as JsonObject;
  return { ...object, [token]: withValue(object[token] ?? null, rest, replacement) };
}

describe('the text of a template', () => {
  test('PL11 pods of one ReplicaSet have the same text, with different volumes, mounts, times and environments', () => {
    const own = (suffix: string): JsonObject =>
      pod(
        {
          containers: [
            { name: 'c', image: 'app', volumeMounts: [{ name: `token-${suffix}` }], env: [{ name: suffix }] },
          ],
          volumes: [{ name: `token-${suffix}`, projected: {} }],
        },
        { managedFields: [{ time: suffix }] },
      );
    expect(templateText(own('a'))).toBe(templateText(own('b')));
  });

  test.each<[string, JsonObject]>([
    ['a bare pod', pod({}, { ownerReferences: [] })],
    ['a pod whose controller has no name', pod({}, { ownerReferences: [{ kind: 'ReplicaSet', controller: true }] })],
    ['no metadata', { spec: {} }],
    ['no spec', { metadata: { ownerReferences } }],
    ['annotations above the limit', pod({}, { annotations: { a: 'x'.repeat(16_385) } })],
  ])('PL11 %s has no text', (_, one) => {
    expect(templateText(one)).toBeUndefined();
  });

  test('PL11 annotations at the limit are compared', () => {
    expect(templateText(pod({}, { annotations: { a: 'x'.repeat(16_384) } }))).toContain('xxx');
  });

  test.each<[string, JsonObject, JsonObject]>([
    ['no affinity and one that is not an object', {}, { affinity: Number.POSITIVE_INFINITY }],
    [
      'a spread over architectures and none',
      {},
      { topologySpreadConstraints: [{ topologyKey: 'kubernetes.io/arch' }] },
    ],
    ['one deadline and another', { activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: 6 }],
    ['a number and its text as the deadline', { activeDeadlineSeconds: 5 }, { activeDeadlineSeconds: '5' }],
    ['a deadline and one below every number', {}, { activeDeadlineSeconds: Number.NEGATIVE_INFINITY }],
  ])('PL11 %s differ', (_, one, other) => {
    expect(templateText(pod(one))).not.toBe(templateText(pod(other)));
  });

  test('PL11 two pods with the same text get the same placement, and its patch applies to both', () => {
    const change = fc.tuple(fc.nat(1_000), fc.jsonValue({ maxDepth: 2 }));
    let same = 0;
    fc.assert(
      fc.property(world, fc.array(change, { minLength: 1, maxLength: 3 }), ({ input }, changes) => {
        const other = changes.reduce<JsonObject>((raw, [at, value]) => {
          const paths = listPaths(raw).slice(1);
          return withValue(raw, paths[at % paths.length] ?? ['spec'], value) as JsonObject;
        }, input.pod);
        const text = templateText(input.pod);
        if (text === undefined || text !== templateText(other)) return;
        same += 1;
        const placed = placePod({ ...input, pod: other });
        expect(placed).toEqual(placePod(input));
        expect(applyPatch(input.pod, placed.patch).kind).toBe('applied');
        expect(applyPatch(other, placed.patch).kind).toBe('applied');
      }),
      { numRuns: 3_000 },
    );
    // The property proves something only if enough pairs have the same text.
    expect(same).toBeGreaterThan(5);
  });
});
