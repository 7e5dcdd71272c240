import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairImages } from './fair-images.ts';

const pullSecrets = () => Promise.resolve({ secrets: [], complete: true });

function fill(images: FairImages, named: readonly (readonly [namespace: string, key: string])[]): void {
  for (const [namespace, key] of named) {
    if (images.has(key, namespace)) continue;
    images.add({ key, namespace, image: key, host: 'registry.test', ttlMs: 1, pullSecrets });
  }
}

function sizes(images: FairImages): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { namespace } of images.toMap().values()) counts[namespace] = (counts[namespace] ?? 0) + 1;
  return counts;
}

const of = (namespace: string, count: number) =>
  Array.from({ length: count }, (_, at) => [namespace, `${namespace}-${at}`] as const);

describe('K5 the images to keep warm', () => {
  test.each([
    ['one namespace alone', [['a', 20]], { a: 10 }],
    [
      'a large namespace first',
      [
        ['a', 20],
        ['b', 3],
      ],
      { a: 7, b: 3 },
    ],
    [
      'a large namespace last',
      [
        ['b', 3],
        ['a', 20],
      ],
      { a: 7, b: 3 },
    ],
    [
      'two large namespaces',
      [
        ['a', 20],
        ['b', 20],
      ],
      { a: 5, b: 5 },
    ],
    [
      'two large namespaces and a small one',
      [
        ['a', 20],
        ['b', 20],
        ['c', 2],
      ],
      { a: 4, b: 4, c: 2 },
    ],
  ] as const)('are shared evenly: %s', (_, namespaces, expected) => {
    const images = new FairImages(10);
    for (const [namespace, count] of namespaces) fill(images, of(namespace, count));
    expect(sizes(images)).toEqual(expected);
  });

  test('an image that several namespaces use counts for the one with the smallest share', () => {
    const images = new FairImages(10);
    fill(images, [['a', 'shared'], ...of('a', 9), ['b', 'shared']]);
    expect(sizes(images)).toEqual({ a: 9, b: 1 });
    fill(images, of('b', 9));
    expect(images.toMap().has('shared')).toBe(true);
  });

  test('are as many as possible, and no namespace has two less than another one that has all it names', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.nat(30)), { maxLength: 60 }), (named) => {
        const images = new FairImages(10);
        const pairs = named.map(([namespace, at]) => [namespace, `${namespace}-${at}`] as const);
        fill(images, pairs);
        const wanted = new Set(pairs.map(([, key]) => key));
        expect(images.toMap().size).toBe(Math.min(10, wanted.size));
        const counts = sizes(images);
        const largest = Math.max(0, ...Object.values(counts));
        for (const namespace of ['a', 'b', 'c']) {
          const all = [...wanted].filter((key) => key.startsWith(namespace)).length;
          expect(counts[namespace] ?? 0).toBeGreaterThanOrEqual(Math.min(all, largest - 1));
        }
      }),
    );
  });
});
