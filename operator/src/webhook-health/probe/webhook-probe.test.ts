import { describe, expect, test } from '@jest/globals';
import { arrayAt, objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { ApiRequest, ApiResponse } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { silent } from '../../fixtures/objects.ts';
import { WebhookProbe } from './webhook-probe.ts';

const signal = new AbortController().signal;
const ok = (metadata: JsonObject): ApiResponse => ({ kind: 'ok', status: 201, body: { metadata } });
const refused = (status: number, message = 'no', retryAfterMs = 0): ApiResponse => ({
  ...{ kind: 'refused', status, reason: 'Reason', message, details: {}, retryAfterMs },
});

interface Probing {
  readonly probe: WebhookProbe;
  readonly clock: FakeClock;
  readonly requests: ApiRequest[];
  readonly counted: string[];
}

function probing(respond: (clock: FakeClock) => Promise<ApiResponse>): Probing {
  const clock = new FakeClock();
  const requests: ApiRequest[] = [];
  const counted: string[] = [];
  const request = (sent: ApiRequest): Promise<ApiResponse> => {
    requests.push(sent);
    return respond(clock);
  };
  const onProbe = (verdict: string): void => void counted.push(verdict);
  return { probe: new WebhookProbe({ api: { request }, clock, logger: silent, onProbe }), clock, requests, counted };
}

const NO_VERDICT = { kind: 'no-verdict', words: 'no', retryAfterMs: 0 };

describe('the probe of the webhook', () => {
  test.each<[string, () => Promise<ApiResponse>, JsonObject]>([
    [
      'our annotation',
      () => Promise.resolve(ok({ annotations: { 'archpolicy.dev/decision': '{}' } })),
      { kind: 'answered' },
    ],
    ['no annotation', () => Promise.resolve(ok({})), { kind: 'silent', durationMs: 0 }],
    [
      '404: the namespace is missing',
      () => Promise.resolve(refused(404, 'namespaces "archpolicy-probe" not found')),
      { kind: 'refused', status: 404, words: "namespaces 'archpolicy-probe' not found" },
    ],
    [
      '403 of a quota, with a generated name',
      () => Promise.resolve(refused(403, 'pods "probe-x7k2p" is forbidden: exceeded quota')),
      { kind: 'refused', status: 403, words: "pods 'probe' is forbidden: exceeded quota" },
    ],
    [
      '422 of an admission policy, on two lines, with a control character',
      () => Promise.resolve(refused(422, 'denied:\n\u001b[31mno image')),
      { kind: 'refused', status: 422, words: 'denied: [31mno image' },
    ],
    [
      '400 without a message',
      () => Promise.resolve(refused(400, '')),
      { kind: 'refused', status: 400, words: 'Reason' },
    ],
    ['429', () => Promise.resolve(refused(429, 'no', 3_000)), { ...NO_VERDICT, status: 429, retryAfterMs: 3_000 }],
    ['401', () => Promise.resolve(refused(401)), { ...NO_VERDICT, status: 401 }],
    ['409 of a quota', () => Promise.resolve(refused(409)), { ...NO_VERDICT, status: 409 }],
    ['500', () => Promise.resolve(refused(500)), { ...NO_VERDICT, status: 500 }],
    ['503', () => Promise.resolve(refused(503)), { ...NO_VERDICT, status: 503 }],
    [
      'no response',
      () => Promise.reject(new Error('reset')),
      { kind: 'no-verdict', words: 'no response', retryAfterMs: 0 },
    ],
  ])('R3 %s', async (_, respond, expected) => {
    const { probe, counted } = probing(respond);
    expect(await probe.probe(signal)).toEqual(expected);
    expect(counted).toEqual([expected['kind']]);
  });

  test('R3 the words are bounded', async () => {
    const verdict = await probing(() => Promise.resolve(refused(403, 'x'.repeat(900)))).probe.probe(signal);
    expect(verdict.kind === 'refused' && verdict.words.length).toBe(301);
  });

  test('R3 is a dry run with a constant image, for any pod to evict', async () => {
    const { probe, requests } = probing(() => Promise.resolve(ok({})));
    await probe.probe(signal);
    const [sent] = requests;
    expect(sent).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/archpolicy-probe/pods',
      query: { dryRun: 'All' },
    });
    const containers = arrayAt(objectAt(sent?.body as JsonObject, 'spec'), 'containers');
    expect(containers).toEqual([expect.objectContaining({ image: 'archpolicy.invalid/probe:v1' })]);
  });

  test('R3 the duration of a silent probe is measured', async () => {
    const { probe, clock } = probing(async (now) => {
      await now.sleep(2_004, signal);
      return ok({});
    });
    const verdict = probe.probe(signal);
    await clock.advance(2_004);
    expect(await verdict).toEqual({ kind: 'silent', durationMs: 2_004 });
  });

  const FAILED =
    'Internal error occurred: failed calling webhook "probe.archpolicy.dev": failed to call webhook: ' +
    'Post "https://webhook.test:443/mutate?timeout=2s": tls: failed to verify certificate: x509: expired';

  test.each<[string, () => Promise<ApiResponse>, JsonObject]>([
    ['reported by the API server', () => Promise.resolve(refused(500, FAILED)), { cause: 'certificate' }],
    ['of another webhook', () => Promise.resolve(refused(500, FAILED.replace('probe.', 'other.'))), { words: '' }],
    ['gone', () => Promise.resolve(ok({})), { cause: 'timed-out', words: '' }],
    ['without a response', () => Promise.reject(new Error('reset')), { cause: 'timed-out', words: '' }],
  ])('R3 the cause: an error %s', async (_, respond, expected) => {
    const { probe, requests } = probing(respond);
    const diagnosis = await probe.diagnose(2_000, { timeoutMs: 2_000, isReported: true }, signal);
    expect(diagnosis).toMatchObject(expected);
    const { labels } = objectAt(requests[0]?.body as JsonObject, 'metadata');
    expect(labels).toMatchObject({ 'archpolicy.dev/probe': 'diagnosis' });
  });

  test('R3 the words of an error are quotable, and contain no query', async () => {
    const { probe } = probing(() => Promise.resolve(refused(500, FAILED)));
    const { words } = await probe.diagnose(0, { timeoutMs: 2_000, isReported: true }, signal);
    expect(words).toContain('x509: expired');
    expect(words).not.toMatch(/"|timeout=/u);
  });

  test('R3 without a webhook that reports errors, no dry run is sent for the cause', async () => {
    const { probe, requests } = probing(() => Promise.resolve(refused(500, FAILED)));
    const calls = { timeoutMs: 2_000, isReported: false };
    expect(await probe.diagnose(10, calls, signal)).toEqual({ cause: 'fails-at-once', words: '' });
    expect(requests).toEqual([]);
  });
});
