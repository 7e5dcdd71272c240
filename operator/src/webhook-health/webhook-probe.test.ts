import { describe, expect, test } from '@jest/globals';
import { arrayAt, objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { ApiResponse, ApiRequest } from '@archpolicy/kube';
import { silent } from '../fixtures/objects.ts';
import { WebhookProbe } from './webhook-probe.ts';

const signal = new AbortController().signal;
const ok = (metadata: JsonObject): ApiResponse => ({ kind: 'ok', status: 201, body: { metadata } });
const refused: ApiResponse = { kind: 'refused', status: 403, reason: 'Forbidden', message: '', details: {} };

function probing(answer: () => Promise<ApiResponse>): {
  readonly probe: WebhookProbe;
  readonly requests: ApiRequest[];
} {
  const requests: ApiRequest[] = [];
  const request = (sent: ApiRequest): Promise<ApiResponse> => {
    requests.push(sent);
    return answer();
  };
  return { probe: new WebhookProbe({ api: { request }, logger: silent }), requests };
}

describe('the probe of the webhook', () => {
  test.each<[string, () => Promise<ApiResponse>, string]>([
    ['our annotation', () => Promise.resolve(ok({ annotations: { 'archpolicy.dev/decision': '{}' } })), 'answered'],
    ['no annotation', () => Promise.resolve(ok({})), 'silent'],
    ['a rejection', () => Promise.resolve(refused), 'silent'],
    ['an error', () => Promise.reject(new Error('reset')), 'silent'],
  ])('R3 %s', async (_, answer, expected) => {
    expect(await probing(answer).probe.probe(signal)).toBe(expected);
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
});
