import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import type { Json } from '@archpolicy/core';
import { FakeApiServer, FakeClock, statusObject } from '@archpolicy/testkit';
import type { ApiFault } from '@archpolicy/testkit';
import { ApiClient } from '../http/api-client.ts';
import { fixedCredentials } from '../http/credentials.ts';
import { MAX_SECRET_BYTES, readSecret } from './read-secret.ts';
import type { SecretRead } from './read-secret.ts';

const LOCATION = { namespace: 'archpolicy-system', name: 'archpolicy-cache' };
const VALUE = 'not for logs';
const data = { key: Buffer.from(VALUE).toString('base64'), empty: '' };
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: LOCATION, type: 'Opaque', data };

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

const read = (signal = new AbortController().signal): Promise<SecretRead> => readSecret(client, LOCATION, signal);
const answer = (status: number, body: Json): ApiFault => ({ kind: 'answer', status, body });
const unavailable = (cause: string): SecretRead => ({ kind: 'unavailable', cause });

describe('reading a Secret by name', () => {
  test('returns type, metadata and values, with one GET', async () => {
    server.collection('/api/v1/secrets').put(SECRET);
    const result = await read();
    if (result.kind !== 'found') throw new Error(result.kind);
    const { secret } = result;
    expect([secret.type, secret.metadata['name']]).toEqual(['Opaque', 'archpolicy-cache']);
    expect(['key', 'empty', 'other', 'toString'].map((key) => secret.value(key)?.toString())).toEqual([
      VALUE,
      '',
      undefined,
      undefined,
    ]);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/namespaces/archpolicy-system/secrets/archpolicy-cache',
    ]);
  });

  test('P5 the values do not appear when the result is printed or serialized', async () => {
    server.collection('/api/v1/secrets').put(SECRET);
    const result = await read();
    const printed = `${inspect(result, { depth: 9, showHidden: true })} ${JSON.stringify(result)}`;
    expect(printed).toContain('archpolicy-cache');
    for (const text of [VALUE, data.key]) expect(printed).not.toContain(text);
  });

  test.each<[string, ApiFault, SecretRead]>([
    ['404 of the API server', answer(404, statusObject(404, 'NotFound')), { kind: 'not-found' }],
    ['404 of a proxy', answer(404, '<html>'), unavailable('status 404')],
    ['403 of the API server', answer(403, statusObject(403, 'Forbidden')), { kind: 'forbidden' }],
    ['403 of a proxy', answer(403, '<html>'), unavailable('status 403')],
    ['401', answer(401, statusObject(401, 'Unauthorized')), unavailable('status 401')],
    ['500', answer(500, statusObject(500, 'InternalError')), unavailable('status 500')],
    ['a connection that breaks', { kind: 'reset' }, unavailable('Network')],
    ['an answer that ends early', { kind: 'cut', body: '{"metadata"' }, unavailable('Network')],
    ['text', answer(200, 'garbage'), unavailable('Malformed')],
    ['no object', answer(200, []), unavailable('Malformed')],
    ['an empty object', answer(200, {}), unavailable('Malformed')],
    ['another Secret', answer(200, { ...SECRET, metadata: { ...LOCATION, name: 'other' } }), unavailable('Malformed')],
    [
      'a Secret of another namespace',
      answer(200, { ...SECRET, metadata: { ...LOCATION, namespace: 'shop' } }),
      unavailable('Malformed'),
    ],
    ['more than the bound', answer(200, { ...SECRET, more: 'x'.repeat(MAX_SECRET_BYTES) }), { kind: 'too-large' }],
  ])('P2 %s is its own outcome', async (_, fault, expected) => {
    server.fault = () => fault;
    expect(await read()).toEqual(expected);
  });

  test('P2 an API server that does not answer is given up after 5 s', async () => {
    server.fault = () => ({ kind: 'hang' });
    const result = read();
    await clock.untilSleeping((ms) => ms === 5_000);
    await clock.advance(5_000);
    expect(await result).toEqual(unavailable('Timeout'));
  });

  test('ends at once when its signal is aborted', async () => {
    server.fault = () => ({ kind: 'hang' });
    const stop = new AbortController();
    const result = read(stop.signal);
    await clock.untilSleeping();
    stop.abort();
    await expect(result).rejects.toMatchObject({ code: 'Aborted' });
  });
});
