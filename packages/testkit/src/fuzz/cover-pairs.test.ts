import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '../seeded-random.ts';
import { CaseSource } from './case-source.ts';
import { coverPairs } from './cover-pairs.ts';

describe('rows that cover all pairs', () => {
  test.each([
    { sizes: [2, 2, 2], most: 6 },
    { sizes: [3, 4, 5, 2], most: 30 },
    { sizes: [40, 20, 10, 10, 10], most: 900 },
    { sizes: [5, 1], most: 5 },
  ])('I4 each pair of values of $sizes is in at most $most rows', ({ sizes, most }) => {
    const rows = coverPairs(sizes, seededRandom(1));
    const seen = new Set(
      rows.flatMap((row) => row.flatMap((a, i) => row.slice(i + 1).map((b, j) => `${i} ${a} ${i + 1 + j} ${b}`))),
    );
    const pairs = sizes.flatMap((a, i) => sizes.slice(i + 1).map((b) => a * b)).reduce((sum, count) => sum + count, 0);
    expect(seen.size).toBe(pairs);
    expect(rows.length).toBeLessThanOrEqual(most);
    expect(rows.every((row) => row.every((value, axis) => value >= 0 && value < sizes[axis]!))).toBe(true);
  });
});

describe('the cases of a seed', () => {
  const axes = { status: [200, 404, 500], coding: ['none', 'gzip'], close: ['keep', 'reset'] };

  test('I4 seed and number determine a case, also alone', () => {
    const cases = (seed: number): unknown[] =>
      Array.from({ length: 50 }, (_, at) => {
        const { choice, random } = new CaseSource(axes, seed).case(at);
        return [choice, random()];
      });
    expect(cases(7)).toEqual(cases(7));
    expect(cases(7)).not.toEqual(cases(8));
    const source = new CaseSource(axes, 7);
    expect(source.pairCases).toBeLessThan(12);
    expect(cases(7)[30]).toEqual([source.case(30).choice, expect.any(Number)]);
  });
});
