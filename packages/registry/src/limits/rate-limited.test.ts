import { describe, expect, test } from '@jest/globals';
import { rateLimitedKey, toRateLimited } from './rate-limited.ts';

describe('K5 requests that share the limits that a host reports', () => {
  test.each([
    ['the endpoint', 'a.example', 'a.example', 'a.example with alice'],
    ['another spelling of the endpoint', 'index.docker.io', 'docker.io', 'docker.io with alice'],
    ['the target of a redirect', 'b.example', 'a.example', 'b.example from a.example with alice'],
    ['the target of a redirect by another endpoint', 'b.example', 'c.example', 'b.example from c.example with alice'],
  ])('K5 %s', (_, host, endpointHost, expected) => {
    expect(rateLimitedKey(toRateLimited({ host, endpointHost, scope: 'alice' }))).toBe(expected);
  });
});
