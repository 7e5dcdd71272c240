import { describe, expect, test } from '@jest/globals';
import { causeFromDuration, causeFromWords } from './unreachable-cause.ts';

const post = (error: string): string =>
  `failed to call webhook: Post "https://archpolicy-webhook.archpolicy-system.svc:443/mutate?timeout=2s": ${error}`;

describe('why the API server does not reach the webhook', () => {
  // The messages are those of the API server and of Go's net, net/http and crypto packages.
  test.each([
    [post('dial tcp 10.96.0.7:443: connect: connection refused'), 'refused'],
    [post('dial tcp 10.96.0.7:443: connect: no route to host'), 'refused'],
    [post('no endpoints available for service "archpolicy-webhook"'), 'refused'],
    [post('service "archpolicy-webhook" not found'), 'refused'],
    [post('context deadline exceeded'), 'timed-out'],
    [post('net/http: request canceled while waiting for connection (Client.Timeout exceeded)'), 'timed-out'],
    [post('dial tcp 10.0.0.7:9443: i/o timeout'), 'timed-out'],
    [post('net/http: TLS handshake timeout'), 'timed-out'],
    [post('tls: failed to verify certificate: x509: certificate signed by unknown authority'), 'certificate'],
    [post('tls: failed to verify certificate: x509: certificate has expired or is not yet valid'), 'certificate'],
    [post('tls: failed to verify certificate: x509: certificate is valid for a.test, not b.test'), 'certificate'],
    [post('remote error: tls: certificate required'), 'certificate'],
    ['failed to call webhook: the server could not find the requested resource', 'wrong-answer'],
    ['failed to call webhook: an error on the server ("") has prevented the request from succeeding', 'wrong-answer'],
    [post('http: server gave HTTP response to HTTPS client'), 'wrong-answer'],
    [post('EOF'), 'other'],
    [post('dial tcp: lookup webhook.example.com on 10.0.0.10:53: no such host'), 'other'],
    ['', 'other'],
  ])('R3 %s', (words, expected) => {
    expect(causeFromWords(words)).toBe(expected);
    expect(causeFromWords(words.replaceAll('"', "'"))).toBe(expected);
  });

  test.each([
    [0, 2_000, 'fails-at-once'],
    [1_500, 2_000, 'fails-at-once'],
    [1_990, 2_000, 'timed-out'],
    [2_004, 2_000, 'timed-out'],
    [2_004, 10_000, 'fails-at-once'],
  ])('R3 without words: a dry run of %i ms with a timeout of %i ms is %s', (durationMs, timeoutMs, expected) => {
    expect(causeFromDuration(durationMs, timeoutMs)).toBe(expected);
  });
});
