import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json/json.ts';
import { formatDecision, MAX_DECISION_BYTES, parseDecision } from './annotation.ts';
import type { Row } from './fixtures/row.ts';
import { buildInput, parseInspection } from './fixtures/row.ts';
import { applyPatch } from './json-patch.ts';
import { placePod } from './place-pod.ts';
import { utf8Length } from './quote.ts';

const getAnnotation = (row: Row): string => {
  const input = buildInput(row);
  const applied = applyPatch(input.pod, placePod(input).patch);
  const pod = applied.kind === 'applied' ? (applied.value as JsonObject) : {};
  const annotations = (pod['metadata'] as JsonObject)['annotations'] as JsonObject;
  return annotations['archpolicy.dev/decision'] as string;
};

describe('the decision annotation', () => {
  test('PL2 contains the decision, its reason, the image facts and the exact additions', () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    const expression = { key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] };
    expect(
      JSON.parse(
        getAnnotation({ images: { app: 'linux/arm64/v8', side: 'unresolved NotFound' }, terms: ['zone In a'] }),
      ),
    ).toEqual({
      v: 1,
      policy: 'default',
      kind: 'constrain',
      reason: 'PartlyKnown',
      architectures: ['arm64'],
      image: 'side',
      images: [
        { image: 'app', digest, platforms: ['linux/arm64/v8'], source: 'memory' },
        { image: 'side', unresolved: 'NotFound' },
      ],
      terms: 1,
      added: [
        {
          path: '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchExpressions/1',
          value: expression,
        },
      ],
    });
  });

  test('PL4 records an override as the source', () => {
    const policy = { images: [{ match: 'docker.io/library/app', platforms: ['linux/arm64'] }] };
    expect(JSON.parse(getAnnotation({ images: { app: 'linux/amd64' }, policy }))).toMatchObject({
      images: [{ image: 'app', platforms: ['linux/arm64'], source: 'override' }],
    });
  });

  test('PL4 an override of an image by digest keeps the digest', () => {
    const image = `app@sha256:${'ab'.repeat(32)}`;
    const policy = { images: [{ match: 'docker.io/library/app', platforms: ['linux/arm64'] }] };
    expect(JSON.parse(getAnnotation({ images: { [image]: 'linux/amd64' }, policy }))).toMatchObject({
      images: [{ image, digest: `sha256:${'ab'.repeat(32)}` }],
    });
  });

  test('PL2 truncates an image reference of a thousand characters', () => {
    const image = `registry.corp/${'a'.repeat(1000)}`;
    expect(JSON.parse(getAnnotation({ images: { [image]: 'linux/arm64' } }))).toMatchObject({
      image: image.slice(0, 256),
      images: [{ image: image.slice(0, 256) }],
    });
  });

  test('PL2 parses what was formatted', () => {
    expect(parseDecision(getAnnotation({ images: { app: 'linux/arm64' } }))).toMatchObject({
      kind: 'record',
      record: {
        policy: 'default',
        kind: 'constrain',
        reason: 'ImagesSupport',
        architectures: ['arm64'],
        terms: 1,
        added: [{ path: '/spec/affinity' }],
      },
    });
  });

  test('PL2 omits what does not fit, the image facts first', () => {
    const images = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`registry.corp/team/${'service'.repeat(10)}-${i}`, 'linux/arm64']),
    );
    const text = getAnnotation({ images });
    expect(utf8Length(text)).toBeLessThanOrEqual(MAX_DECISION_BYTES);
    expect(JSON.parse(text)).not.toHaveProperty('images');
    expect(JSON.parse(text)).toHaveProperty('added');
  });

  test('PL2 omits the additions as well for a pod with very many terms', () => {
    const text = getAnnotation({
      images: { app: 'linux/arm64' },
      terms: Array.from({ length: 40 }, (_, i) => `zone In z${i}`),
    });
    expect(utf8Length(text)).toBeLessThanOrEqual(MAX_DECISION_BYTES);
    expect(JSON.parse(text)).not.toHaveProperty('added');
  });

  test.each<[string, string]>([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['another version', '{"v":2,"kind":"constrain","reason":"ImagesSupport"}'],
    ['an unknown kind', '{"v":1,"kind":"bless","reason":"ImagesSupport"}'],
    ['an unknown reason', '{"v":1,"kind":"constrain","reason":"Because"}'],
    ['more than the maximum length', `{"v":1,"kind":"constrain","reason":"ImagesSupport","x":"${'x'.repeat(5000)}"}`],
  ])('PL2 %s is unreadable', (_, text) => {
    expect(parseDecision(text)).toEqual({ kind: 'unreadable' });
  });

  test('PL2 a field of the wrong type counts as absent', () => {
    const text =
      '{"v":1,"kind":"gate","reason":"Inspecting","architectures":["arm64","vax",1],"terms":"1","added":[1,null,{"path":1},{"path":"/a"},{"path":"/a","value":null}]}';
    expect(parseDecision(text)).toEqual({
      kind: 'record',
      record: {
        policy: '',
        kind: 'gate',
        reason: 'Inspecting',
        architectures: ['arm64'],
        added: [{ path: '/a', value: null }],
      },
    });
  });

  test('PL2 parses any text without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(['record', 'unreadable']).toContain(parseDecision(text).kind);
      }),
    );
  });
});

describe('4 KiB', () => {
  const withPolicy = (policy: string): string =>
    formatDecision(
      {
        kind: 'constrain',
        reason: 'ImagesSupport',
        policy,
        architectures: ['arm64'],
        requirements: [],
        preferred: [],
        tolerated: [],
        unresolved: [],
        warnings: [],
      },
      [{ image: 'app', inspection: parseInspection('linux/arm64') }],
      [],
      1,
    );
  const room = 4096 - utf8Length(withPolicy(''));

  test.each<[string, string, boolean]>([
    ['ASCII at the limit', 'x'.repeat(room), true],
    ['ASCII of one byte too many', 'x'.repeat(room + 1), false],
    ['two bytes per character, at the limit', 'é'.repeat(room / 2) + 'x'.repeat(room % 2), true],
    ['two bytes per character, too many', 'é'.repeat(room / 2) + 'x'.repeat((room % 2) + 1), false],
    ['a short text that is not ASCII', 'é', true],
  ])('PL2 %s', (_, policy, fits) => {
    const text = withPolicy(policy);
    expect([text.includes('"images"'), utf8Length(text) <= 4096]).toEqual([fits, true]);
    expect(parseDecision(text).kind).toBe('record');
  });
});
