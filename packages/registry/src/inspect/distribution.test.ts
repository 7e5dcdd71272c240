import { describe, expect, test } from '@jest/globals';
import { WAITING_HELPS } from '@archpolicy/core';
import { isRejection } from '../http/outcome.ts';
import type { Fetched } from '../http/outcome.ts';
import type { HttpResponse } from '../senders/sender.ts';
import { parseTokenResponse } from '../senders/token-response.ts';
import { evaluateResponse } from './distribution.ts';
import { allowsStaleOnError } from './freshness.ts';

const response = (status: number, body = ''): HttpResponse => ({
  kind: 'response',
  status,
  headers: {},
  redirects: 0,
  body: Buffer.from(body),
});

/** Describes an outcome by its reason and by what follows from it. */
function describeOutcome(outcome: Fetched<unknown>): string {
  if (outcome.kind === 'fetched') return 'fetched';
  const words = [
    outcome.reason,
    ...(WAITING_HELPS.has(outcome.reason) ? ['gate'] : []),
    ...(isRejection(outcome) ? ['next credential'] : []),
    ...(allowsStaleOnError(outcome) ? ['stale'] : []),
  ];
  return words.join(', ');
}

describe('I4 the outcome of a status', () => {
  test.each([
    [200, 'fetched', 'Malformed'],
    [204, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
    [304, 'Unavailable, gate, stale', 'Blocked'],
    [400, 'NotFound, next credential, stale', 'Unauthorized, next credential'],
    [401, 'Unauthorized, next credential', 'Unauthorized, next credential'],
    [402, 'Unauthorized, next credential', 'Unauthorized, next credential'],
    [403, 'Unauthorized, next credential', 'Unauthorized, next credential'],
    [404, 'NotFound, next credential', 'Unauthorized, next credential, stale'],
    [405, 'NotFound, next credential, stale', 'Unauthorized, next credential, stale'],
    [406, 'NotFound, next credential, stale', 'Unauthorized, next credential, stale'],
    [408, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
    [410, 'NotFound, next credential', 'Unauthorized, next credential, stale'],
    [415, 'NotFound, next credential, stale', 'Unauthorized, next credential, stale'],
    [421, 'NotFound, next credential, stale', 'Unauthorized, next credential, stale'],
    [425, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
    [429, 'RateLimited, gate, stale', 'RateLimited, gate, stale'],
    [431, 'NotFound, next credential, stale', 'Unauthorized, next credential, stale'],
    [451, 'Unauthorized, next credential', 'Unauthorized, next credential'],
    [499, 'NotFound, next credential, stale', 'Unauthorized, next credential, stale'],
    [500, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
    [503, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
    [599, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
    [999, 'Unavailable, gate, stale', 'Unavailable, gate, stale'],
  ])('I4 %i to a read: %s; to a token request: %s', (status, read, token) => {
    expect(describeOutcome(evaluateResponse(response(status), 0))).toBe(read);
    expect(describeOutcome(parseTokenResponse(response(status), 0))).toBe(token);
  });
});

describe('I6 the token in a response', () => {
  test.each<[string, unknown, string | undefined]>([
    ['token', { token: 'a' }, 'a'],
    ['access_token', { access_token: 'b' }, 'b'],
    ['both: Docker prefers token', { token: 'a', access_token: 'b' }, 'a'],
    ['an empty token', { token: '', access_token: 'b' }, 'b'],
    ['token: null', { token: null, access_token: 'b' }, 'b'],
    ['only empty ones', { token: '', access_token: '' }, undefined],
    ['none', {}, undefined],
    ['a line break', { token: 'a\r\nb' }, undefined],
    ['no object', 'a', undefined],
  ])('I6 %s', (_, body, expected) => {
    const grant = parseTokenResponse(response(200, JSON.stringify(body)), 0);
    expect(grant.kind === 'fetched' ? grant.value.value : undefined).toBe(expected);
  });
});
