import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseGoDuration } from './go-duration.ts';

describe('Go durations', () => {
  test.each([
    ['0', 0],
    ['0s', 0],
    ['90s', 90_000],
    ['250ms', 250],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['1.s', 1_000],
    ['12h0m0s', 43_200_000],
    ['2us', 0.002],
    ['2µs', 0.002],
    ['2μs', 0.002],
    ['500000ns', 0.5],
  ])('P1 I5 %s is %d ms', (text, expected) => {
    expect(parseGoDuration(text)).toBeCloseTo(expected, 9);
  });

  test.each(['', '1', '-1h', '+1h', '1d', '.s', '1..5s', '1 h', ' 1h', '1h\n', '3 weeks', '1H', `${'9'.repeat(50)}s`])(
    'P1 I5 %j is not a duration',
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );

  test('P1 I5 any text returns a number or undefined', () => {
    const unit = fc.constantFrom('0', '1', '9', '.', 'n', 'u', 'µ', 'm', 's', 'h', '-', ' ');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
        expect(parseGoDuration(text) ?? 0).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });
});
