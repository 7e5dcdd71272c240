import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '@archpolicy/testkit/seeded-random';
import { fitSlope } from './slope.ts';
import type { Sample } from './slope.ts';

const hour = (value: (at: number) => number, count = 720): readonly Sample[] =>
  Array.from({ length: count }, (_, index) => ({ atSeconds: index * 5, value: value(index * 5) }));

describe('the slope of samples', () => {
  test('a line has its slope, and an interval of no width', () => {
    const slope = fitSlope(hour((at) => 100 + (12 * at) / 3_600));
    expect(slope?.perHour).toBeCloseTo(12);
    expect((slope?.high ?? NaN) - (slope?.low ?? NaN)).toBeLessThan(0.001);
  });

  test('the interval of noise around a constant contains 0, for nearly all seeds', () => {
    const contains = Array.from({ length: 200 }, (_, seed) => {
      const random = seededRandom(seed);
      const slope = fitSlope(hour(() => 100 + 10 * random()));
      return (slope?.low ?? NaN) <= 0 && (slope?.high ?? NaN) >= 0;
    }).filter(Boolean).length;
    expect(contains).toBeGreaterThan(180);
  });

  test('the interval of a leak within noise does not contain 0', () => {
    const random = seededRandom(1);
    const slope = fitSlope(hour((at) => 100 + (20 * at) / 3_600 + 10 * random()));
    expect(slope?.low).toBeGreaterThan(10);
    expect(slope?.high).toBeLessThan(30);
  });

  test('there is no slope of few samples, or of samples at one time', () => {
    expect(fitSlope(hour(() => 1, 11))).toBeUndefined();
    expect(fitSlope(Array.from({ length: 20 }, () => ({ atSeconds: 1, value: 1 })))).toBeUndefined();
  });
});
