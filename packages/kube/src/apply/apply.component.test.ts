import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import { ApiClient } from '../http/api-client.ts';
import { fixedCredentials } from '../http/credentials.ts';
import { applyStatus } from './apply.ts';
import type { ApplyResult } from './apply.ts';

const signal = new AbortController().signal;
const REQUEST = {
  resource: { group: 'archpolicy.dev', version: 'v1alpha1', resource: 'archpolicies' },
  kind: 'ArchPolicy',
  name: 'default',
  status: { observedGeneration: 3 },
  fieldManager: 'archpolicy-operator',
};

let server: FakeApiServer;
let client: ApiClient;

beforeEach(async () => {
  server = await new FakeApiServer().start();
  client = new ApiClient({
    credentials: fixedCredentials({ server: server.url }),
    clock: new FakeClock(),
    userAgent: 'test/0',
  });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

describe('a status', () => {
  test('is applied by its field manager to the status subresource', async () => {
    server.fault = () => ({ kind: 'answer', status: 200, body: { metadata: { name: 'default' } } });
    expect(await applyStatus(client, REQUEST, signal)).toEqual({
      kind: 'applied',
      object: { metadata: { name: 'default' } },
    });
    const [seen] = server.requests;
    expect(seen).toMatchObject({
      method: 'PATCH',
      path: '/apis/archpolicy.dev/v1alpha1/archpolicies/default/status',
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: {
        apiVersion: 'archpolicy.dev/v1alpha1',
        kind: 'ArchPolicy',
        metadata: { name: 'default' },
        status: { observedGeneration: 3 },
      },
    });
    expect(seen?.query.toString()).toBe('fieldManager=archpolicy-operator&force=true');
  });

  test.each<[number, ApplyResult]>([
    [404, { kind: 'gone' }],
    [409, { kind: 'conflict', message: 'details' }],
    [422, { kind: 'invalid', message: 'details' }],
    [429, { kind: 'throttled', retryAfterMs: 2_000 }],
  ])('maps %d to a result', async (status, expected) => {
    server.fault = () => ({ kind: 'answer', status, headers: { 'retry-after': '2' }, body: { message: 'details' } });
    expect(await applyStatus(client, REQUEST, signal)).toEqual(expected);
  });

  test.each([403, 500])('throws for %d', async (status) => {
    server.fault = () => ({ kind: 'answer', status });
    await expect(applyStatus(client, REQUEST, signal)).rejects.toMatchObject({ code: 'Refused', status });
  });
});
