import { describe, expect, test } from '@jest/globals';
import { parseRetryAfter } from './retry-after.ts';
import { pauseFromHeaders } from './rate-limit-headers.ts';

const HOUR_MS = 3_600_000;

describe('K5 Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  test.each([
    ['120', 120_000],
    [' 7 ', 7_000],
    ['1.5', 1_500],
    ['999999999', 6 * HOUR_MS],
    // No pause would repeat the request at once.
    ['0', 1_000],
    ['0.2', 1_000],
    // The three forms of an HTTP date, and the form of JSON.
    ['Thu, 01 Jan 2026 00:01:30 GMT', 90_000],
    ['Thursday, 01-Jan-26 00:01:30 GMT', 90_000],
    ['Thu Jan  1 00:01:30 2026', 90_000],
    ['2026-01-01T00:01:30Z', 90_000],
    ['2026-01-01T01:01:30.500+01:00', 90_500],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 1_000],
    // Times as seconds and milliseconds since 1970.
    [`${now / 1000 + 90}`, 90_000],
    [`${now / 1000 + 90.5}`, 90_500],
    [`${now + 90_000}`, 90_000],
    [`${now / 1000 - 90}`, 1_000],
    [`${now / 1000 + 7 * 3_600}`, 6 * HOUR_MS],
    ['99999999999999999999', 10_000],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 6 * HOUR_MS],
    ['soon', 10_000],
    ['-5', 10_000],
    ['1e9', 10_000],
    ['', 10_000],
    [undefined, 10_000],
  ])('K5 %s', (header, waitMs) => {
    expect(parseRetryAfter(header, now)).toBe(now + waitMs);
  });
});

describe('K5 quotas in headers of registries', () => {
  test.each([
    ['100;w=21600', '0;w=21600', 216_000],
    ['100;w=21600', '0', 216_000],
    ['100;w=21600', '1;w=21600', 0],
    ['100', '0', 0],
    ['0;w=21600', '0;w=21600', 0],
    ['1;w=99999999', '0;w=99999999', 6 * HOUR_MS],
    ['many', 'none', 0],
    [undefined, '0;w=60', 0],
    ['100;w=21600', undefined, 0],
  ])('K5 limit %s, remaining %s: %i ms', (limit, remaining, expected) => {
    const headers = {
      ...(limit === undefined ? {} : { 'ratelimit-limit': limit }),
      ...(remaining === undefined ? {} : { 'ratelimit-remaining': remaining }),
    };
    expect(pauseFromHeaders(headers)).toBe(expected);
  });
});
