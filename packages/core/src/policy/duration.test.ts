import { describe, expect, test } from '@jest/globals';
import { parseDurationMs } from './duration.ts';

describe('parseDurationMs', () => {
  test.each([
    ['5s', 5_000],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['30m1h', 5_400_000],
    ['1s1s', 2_000],
    ['24h', 86_400_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  test.each(['', '0s', '05s', '10', 's', '-5s', '+5s', '1.5h', '1d', '500ms', '1 h', ' 1h', '1h\n', '3 weeks', '1H'])(
    '%j is no duration',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );
});
