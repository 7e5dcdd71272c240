import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { ApiFault } from '@archpolicy/testkit';
import { ApiClient } from '../http/api-client.ts';
import { fixedCredentials } from '../http/credentials.ts';
import { evict } from './evict.ts';
import type { EvictionResult } from './eviction-result.ts';

const TARGET = { namespace: 'shop', name: 'web', uid: '3fcb', resourceVersion: '5096' };
const PATH = '/api/v1/namespaces/shop/pods/web/eviction';
const never = new AbortController().signal;

let server: FakeApiServer;
let clock: FakeClock;
let client: ApiClient;

beforeEach(async () => {
  server = await new FakeApiServer().start();
  clock = new FakeClock();
  client = new ApiClient({ credentials: fixedCredentials({ server: server.url }), clock, userAgent: 'test/0' });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const answers = (fault: ApiFault): void => {
  server.fault = () => fault;
};

const BUDGET = "Cannot evict pod as it would violate the pod's disruption budget.";
const budget = (message: string, more: JsonObject = {}): JsonObject => ({
  reason: 'TooManyRequests',
  message: BUDGET,
  details: { causes: [{ reason: 'DisruptionBudget', message }], ...more },
});
const UNCONFIRMED =
  'poddisruptionbudget.policy "crash" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller';
const SEVERAL = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
const OTHER_UID =
  'Operation cannot be fulfilled on Pod "web": the UID in the precondition (0000) does not match the UID in record (3fcb). The object might have been deleted and then recreated';
const OTHER_VERSION =
  'Operation cannot be fulfilled on Pod "web": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (5096). The object might have been modified';

/** Each response of the Eviction API, recorded from real servers, and the result that it maps to. */
const rows: readonly (readonly [string, ApiFault & { readonly kind: 'answer' }, EvictionResult])[] = [
  [
    'accepted',
    { kind: 'answer', status: 201, body: { kind: 'Status', status: 'Success', code: 201 } },
    { kind: 'evicted' },
  ],
  ['accepted by an older server', { kind: 'answer', status: 200, body: { kind: 'Status' } }, { kind: 'evicted' }],
  [
    'gone',
    {
      kind: 'answer',
      status: 404,
      body: { reason: 'NotFound', message: 'pods "web" not found', details: { kind: 'pods', name: 'web' } },
    },
    { kind: 'gone' },
  ],
  [
    'another pod of that name',
    { kind: 'answer', status: 409, body: { reason: 'Conflict', message: OTHER_UID } },
    { kind: 'conflict', message: OTHER_UID },
  ],
  [
    'another version of the pod',
    { kind: 'answer', status: 409, body: { reason: 'Conflict', message: OTHER_VERSION } },
    { kind: 'conflict', message: OTHER_VERSION },
  ],
  [
    'an exhausted budget',
    {
      kind: 'answer',
      status: 429,
      body: budget('The disruption budget crash needs 1 healthy pods and has 0 currently'),
    },
    {
      kind: 'budget',
      budget: 'crash',
      message: `${BUDGET} The disruption budget crash needs 1 healthy pods and has 0 currently`,
    },
  ],
  [
    'a budget that is still being computed',
    {
      kind: 'answer',
      status: 429,
      headers: { 'retry-after': '10' },
      body: budget('The disruption budget crash is still being processed by the server.', { retryAfterSeconds: 10 }),
    },
    {
      kind: 'budget',
      budget: 'crash',
      retryAfterMs: 10_000,
      message: `${BUDGET} The disruption budget crash is still being processed by the server.`,
    },
  ],
  [
    'a budget that the response does not name',
    { kind: 'answer', status: 429, body: { reason: 'TooManyRequests', message: BUDGET } },
    { kind: 'budget', message: BUDGET },
  ],
  [
    'a budget with an impossible name',
    { kind: 'answer', status: 429, body: budget('The disruption budget A_B needs 1 healthy pods') },
    { kind: 'budget', message: `${BUDGET} The disruption budget A_B needs 1 healthy pods` },
  ],
  [
    'a budget with too many unconfirmed evictions',
    {
      kind: 'answer',
      status: 403,
      body: {
        reason: 'Forbidden',
        message: UNCONFIRMED,
        details: { name: 'crash', group: 'policy', kind: 'poddisruptionbudget' },
      },
    },
    { kind: 'budget', budget: 'crash', message: UNCONFIRMED },
  ],
  [
    'flow control',
    {
      kind: 'answer',
      status: 429,
      headers: { 'retry-after': '1' },
      body: 'Too many requests, please try again later.',
    },
    { kind: 'throttled', retryAfterMs: 1_000, message: '' },
  ],
  [
    'several budgets',
    { kind: 'answer', status: 500, body: { message: SEVERAL, code: 500 } },
    { kind: 'several-budgets', message: SEVERAL },
  ],
  [
    'forbidden',
    { kind: 'answer', status: 403, body: { reason: 'Forbidden', message: 'pods "web" is forbidden' } },
    { kind: 'forbidden', message: 'pods "web" is forbidden' },
  ],
  [
    'unauthenticated',
    { kind: 'answer', status: 401, body: { message: 'Unauthorized' } },
    { kind: 'forbidden', message: 'Unauthorized' },
  ],
  [
    'an invalid request',
    { kind: 'answer', status: 400, body: { message: 'name in URL does not match name in Eviction object' } },
    { kind: 'invalid', status: 400, message: 'name in URL does not match name in Eviction object' },
  ],
  [
    'no such API',
    { kind: 'answer', status: 404, body: '404 page not found' },
    { kind: 'invalid', status: 404, message: '' },
  ],
  [
    'a failing webhook',
    { kind: 'answer', status: 500, body: { reason: 'InternalError', message: 'failed calling webhook' } },
    { kind: 'failed', status: 500, message: 'failed calling webhook' },
  ],
  [
    'a server that is starting',
    { kind: 'answer', status: 503, body: '' },
    { kind: 'failed', status: 503, message: '' },
  ],
];

describe('an eviction', () => {
  test.each(rows)('R8 maps the response: %s', async (_, fault, expected) => {
    answers(fault);
    expect(await evict(client, TARGET, never)).toEqual(expected);
    expect(server.requests).toHaveLength(1);
  });

  test('R8 is sent to the Eviction subresource with uid and resourceVersion, without a grace period', async () => {
    answers({ kind: 'answer', status: 201, body: {} });
    await evict(client, TARGET, never);
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: PATH,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'web', namespace: 'shop' },
        deleteOptions: { preconditions: { uid: '3fcb', resourceVersion: '5096' } },
      },
    });
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain('gracePeriod');
  });

  test('R8 of a Ready pod has only the uid as precondition: a stale version would use up its budget', async () => {
    answers({ kind: 'answer', status: 201, body: {} });
    const { namespace, name, uid } = TARGET;
    await evict(client, { namespace, name, uid }, never);
    expect(server.requests[0]?.body).toMatchObject({ deleteOptions: { preconditions: { uid } } });
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain('resourceVersion');
  });

  test('R8 times out after 12 s, later than the 10 s that a mismatch on a Pending pod takes', async () => {
    answers({ kind: 'hang' });
    const answer = evict(client, TARGET, never);
    await clock.untilSleeping((ms) => ms === 12_000);
    await clock.advance(11_999);
    expect(clock.sleeping).toEqual([1]);
    await clock.advance(1);
    expect(await answer).toMatchObject({ kind: 'no-answer', error: { code: 'Timeout' } });
  });

  test('P3 without a response returns no-answer and is not retried: it may have been accepted', async () => {
    answers({ kind: 'reset' });
    expect(await evict(client, TARGET, never)).toMatchObject({ kind: 'no-answer', error: { code: 'Network' } });
    expect(server.requests).toHaveLength(1);
  });

  test('P3 ends with its signal, and is not sent after it', async () => {
    answers({ kind: 'hang' });
    const controller = new AbortController();
    const failed = expect(evict(client, TARGET, controller.signal)).rejects.toMatchObject({ code: 'Aborted' });
    await clock.untilSleeping();
    controller.abort();
    await failed;
    const before = server.requests.length;
    await expect(evict(client, TARGET, controller.signal)).rejects.toMatchObject({ code: 'Aborted' });
    expect(server.requests).toHaveLength(before);
  });
});
