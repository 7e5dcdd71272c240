import { describe, expect, test } from '@jest/globals';
import { hasTooManyParts } from './limits.ts';

describe('hasTooManyParts', () => {
  test.each([
    [500, false],
    [501, true],
  ])('%d parts', (count, expected) => {
    const [containers, initContainers, volumes] = [count - 20, 10, 10].map((length) =>
      Array.from({ length }, () => ({})),
    );
    expect(
      hasTooManyParts({ spec: { containers: containers!, initContainers: initContainers!, volumes: volumes! } }),
    ).toBe(expected);
  });

  test.each([
    [500, false],
    [501, true],
  ])('P1 %d containers without init containers or volumes', (length, expected) => {
    const containers = Array.from({ length }, () => ({}));
    expect(hasTooManyParts({ spec: { containers } })).toBe(expected);
  });

  test.each(['annotations', 'labels', 'nodeSelector', 'tolerations'])('P1 more than 5,000 %s', (where) => {
    const map = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i), '']));
    const podWith = (count: number) => {
      if (where === 'tolerations') return { spec: { tolerations: Array.from({ length: count }, () => ({})) } };
      return where === 'nodeSelector'
        ? { spec: { nodeSelector: map(count) } }
        : { metadata: { [where]: map(count) }, spec: {} };
    };
    expect([hasTooManyParts(podWith(5_000)), hasTooManyParts(podWith(5_001))]).toEqual([false, true]);
  });

  test('PL11 a pod of another shape has none', () => {
    expect(hasTooManyParts({})).toBe(false);
    expect(hasTooManyParts({ spec: { containers: 'x'.repeat(1000) } })).toBe(false);
  });
});
