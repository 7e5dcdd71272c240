import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseTimestampMs } from './timestamp.ts';

describe('timestamps', () => {
  test('agree with Date for all timestamps of the API server', () => {
    const moments = fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('2199-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        expect(parseTimestampMs(moment.toISOString())).toBe(moment.getTime());
        expect(parseTimestampMs(moment.toISOString().replace('Z', '999Z'))).toBe(moment.getTime());
      }),
    );
  });

  test.each([
    ['2026-11-21T22:14:02Z', Date.UTC(2026, 10, 21, 22, 14, 2)],
    ['2026-11-21T23:14:02+01:00', Date.UTC(2026, 10, 21, 22, 14, 2)],
    ['2026-11-21T20:44:02-01:30', Date.UTC(2026, 10, 21, 22, 14, 2)],
    ['2024-02-29T00:00:00.5Z', Date.UTC(2024, 1, 29, 0, 0, 0, 500)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ])('%s', (text, expected) => {
    expect(parseTimestampMs(text)).toBe(expected);
  });

  test.each([
    '',
    'yesterday',
    '2026-11-21',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00',
  ])('is not a timestamp: %j', (text) => {
    expect(parseTimestampMs(text)).toBeUndefined();
  });
});
