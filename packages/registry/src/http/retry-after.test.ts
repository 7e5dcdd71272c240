import { describe, expect, test } from '@jest/globals';
import { parseRetryAfter } from './retry-after.ts';
import { pauseFromHeaders } from './rate-limit-headers.ts';

const HOUR_MS = 3_600_000;

describe('K5 Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  test.each([
    ['120', 120_000],
    ['0', 0],
    [' 7 ', 7_000],
    ['Thu, 01 Jan 2026 00:01:30 GMT', 90_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['999999999', 6 * HOUR_MS],
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
