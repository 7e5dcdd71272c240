import { describe, expect, test } from '@jest/globals';
import type { Json } from '@archpolicy/core';
import { bodyOrThrow, parseStatusError } from './response.ts';

describe('a refusal', () => {
  test.each<[string, string | undefined, Json | undefined, number | undefined]>([
    ['the header', '7', undefined, 7_000],
    ['the Status', undefined, { details: { retryAfterSeconds: 10 } }, 10_000],
    ['the header before the Status', '1', { details: { retryAfterSeconds: 10 } }, 1_000],
    ['nobody', undefined, {}, undefined],
    ['a date, which the API server never sends', 'Wed, 21 Oct 2026 07:28:00 GMT', {}, undefined],
    ['nonsense', '-5', { details: { retryAfterSeconds: 'soon' } }, undefined],
    ['a time beyond reason', '999999', {}, 3_600_000],
  ])('says when to come back: told by %s', (_, header, body, expected) => {
    expect(parseStatusError(429, header, body).retryAfterMs).toBe(expected);
  });

  test('is read from a Status, and from anything else as far as it goes', () => {
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

  test('never brings a long text along', () => {
    expect(parseStatusError(500, undefined, { message: 'x'.repeat(100_000) }).message).toHaveLength(1024);
  });

  test('is an error to those who expect none', () => {
    expect(bodyOrThrow({ kind: 'ok', status: 200, body: { a: 1 } })).toEqual({ a: 1 });
    const refusal = parseStatusError(403, undefined, { reason: 'Forbidden' });
    expect(() => bodyOrThrow(refusal)).toThrow(expect.objectContaining({ code: 'Refused', status: 403 }));
  });
});
