import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import type { OwnerReference } from '@archpolicy/kube';
import { FakeApiServer } from '@archpolicy/testkit';
import { RecordStore } from './record-store.ts';

const SYSTEM = 'archpolicy-system';
const RECORDS = '/api/v1/configmaps';
const signal = new AbortController().signal;

let server: FakeApiServer;
let client: ApiClient;
let store: RecordStore;
let owner: OwnerReference | undefined;

beforeEach(async () => {
  owner = undefined;
  server = await new FakeApiServer().start();
  const credentials = fixedCredentials({ server: server.url });
  client = new ApiClient({ credentials, clock: systemClock(), userAgent: 'test/0' });
  store = new RecordStore({ api: client, namespace: SYSTEM, owner: () => owner, logger: { warn: () => undefined } });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const stored = (): JsonObject => server.collection(RECORDS).objects.get(`${SYSTEM}/archpolicy-safety`) ?? {};

describe('the record of evictions in its ConfigMap', () => {
  test('R6 is created once, then changed with the version that was read', async () => {
    expect(await store.read(signal)).toBeUndefined();
    const first = await store.write('one', undefined, { signal });
    if (first.kind !== 'written') throw new Error('a conflict');
    expect(await store.read(signal)).toEqual({ text: 'one', resourceVersion: first.resourceVersion });
    expect(await store.write('two', first.resourceVersion, { signal })).toMatchObject({ kind: 'written' });
    expect(objectAt(stored(), 'data')).toEqual({ 'record.json': 'two' });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/namespaces/archpolicy-system/configmaps/archpolicy-safety',
      'POST /api/v1/namespaces/archpolicy-system/configmaps',
      'GET /api/v1/namespaces/archpolicy-system/configmaps/archpolicy-safety',
      'PATCH /api/v1/namespaces/archpolicy-system/configmaps/archpolicy-safety',
    ]);
  });

  test('R6 keeps the labels, annotations and owner references that others have added', async () => {
    await store.write('one', undefined, { signal });
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'archpolicy-operator', uid: 'd' }];
    const metadata = { ...objectAt(stored(), 'metadata'), ownerReferences, labels: { a: 'b' } };
    server.collection(RECORDS).put({ ...stored(), metadata });
    const { resourceVersion } = (await store.read(signal)) ?? {};
    await store.write('two', resourceVersion, { signal });
    expect(objectAt(stored(), 'metadata')).toMatchObject({ ownerReferences, labels: { a: 'b' } });
    expect(server.requests.at(-1)?.body).toEqual({ metadata: { resourceVersion }, data: { 'record.json': 'two' } });
  });

  test('P9 refers to the Deployment of the operator from its creation, and to a later one after the next write', async () => {
    const reference = (uid: string): OwnerReference =>
      ({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'archpolicy-operator', uid }) as const;
    owner = reference('first');
    const created = await store.write('one', undefined, { signal });
    expect(objectAt(stored(), 'metadata')['ownerReferences']).toEqual([owner]);
    owner = reference('second');
    const { resourceVersion } = created as { readonly resourceVersion: string };
    await store.write('two', resourceVersion, { signal });
    expect(objectAt(stored(), 'metadata')['ownerReferences']).toEqual([owner]);
    expect(objectAt(stored(), 'data')).toEqual({ 'record.json': 'two' });
  });

  test('R6 is part of archpolicy by its labels', async () => {
    await store.write('one', undefined, { signal });
    expect(objectAt(stored(), 'metadata')['labels']).toMatchObject({ 'app.kubernetes.io/part-of': 'archpolicy' });
  });

  test.each<[string, () => Promise<unknown>, string | undefined]>([
    ['another replica has created it', () => store.write('other', undefined, { signal }), undefined],
    [
      'another replica has changed it',
      async () => {
        await store.write('other', undefined, { signal });
        server.collection(RECORDS).put(stored());
      },
      '101',
    ],
    ['it was deleted', () => Promise.resolve(), '101'],
  ])('R6 is not written after %s', async (_, change, resourceVersion) => {
    await change();
    expect(await store.write('own', resourceVersion, { signal })).toEqual({ kind: 'conflict' });
    expect(objectAt(stored(), 'data')['record.json']).not.toBe('own');
  });

  test('R6 without data is read as an empty text', async () => {
    server.collection(RECORDS).put({ metadata: { name: 'archpolicy-safety', namespace: SYSTEM } });
    expect(await store.read(signal)).toMatchObject({ text: '' });
  });

  test.each([403, 500])('R6 a call that is rejected with %d throws', async (status) => {
    server.fault = () => ({ kind: 'answer', status });
    await expect(store.read(signal)).rejects.toMatchObject({ code: 'Refused', status });
    await expect(store.write('one', undefined, { signal })).rejects.toMatchObject({ code: 'Refused', status });
  });

  test('R6 a write without an answer ends with its timeout', async () => {
    server.fault = () => ({ kind: 'hang' });
    await expect(store.write('one', undefined, { signal, timeoutMs: 50 })).rejects.toMatchObject({ code: 'Timeout' });
  });
});
