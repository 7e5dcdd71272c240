import { describe, expect, test } from '@jest/globals';
import type { Json } from '@archpolicy/core';
import { bodyOrThrow, parseStatusError } from './response.ts';

describe('an error status', () => {
  test.each<[string, string | undefined, Json | undefined, number | undefined]>([
    ['the header', '7', undefined, 7_000],
    ['the Status', undefined, { details: { retryAfterSeconds: 10 } }, 10_000],
    ['the header before the Status', '1', { details: { retryAfterSeconds: 10 } }, 1_000],
    ['neither', undefined, {}, undefined],
    ['a date, which the API server never sends', 'Wed, 21 Oct 2026 07:28:00 GMT', {}, undefined],
    ['invalid values', '-5', { details: { retryAfterSeconds: 'soon' } }, undefined],
    ['a delay over the limit', '999999', {}, 3_600_000],
  ])('has the retry delay of %s', (_, header, body, expected) => {
    expect(parseStatusError(429, header, body).retryAfterMs).toBe(expected);
  });

  test('is parsed from a Status; fields of any other body stay empty', () => {
    const status = { kind: 'Status', reason: 'NotFound', message: 'pods "x" not found', details: { kind: 'pods' } };
    expect(parseStatusError(404, undefined, status)).toEqual({
      kind: 'refused',
      status: 404,
      reason: 'NotFound',
      message: 'pods "x" not found',
      details: { kind: 'pods' },
    });
    const empty = { kind: 'refused', status: 502, reason: '', message: '', details: {} };
    for (const body of [undefined, null, 'gateway', ['x'], { reason: 7, message: {}, details: 'none' }]) {
      expect(parseStatusError(502, undefined, body)).toEqual(empty);
    }
  });

  test('has a message of limited length', () => {
    expect(parseStatusError(500, undefined, { message: 'x'.repeat(100_000) }).message).toHaveLength(1024);
  });

  test('is thrown by bodyOrThrow', () => {
    expect(bodyOrThrow({ kind: 'ok', status: 200, body: { a: 1 } })).toEqual({ a: 1 });
    const refusal = parseStatusError(403, undefined, { reason: 'Forbidden' });
    expect(() => bodyOrThrow(refusal)).toThrow(expect.objectContaining({ code: 'Refused', status: 403 }));
  });
});
