import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import { ApiClient } from '../http/api-client.ts';
import { fixedCredentials } from '../http/credentials.ts';
import { readLease, writeLease } from './lease-api.ts';

const LEASE = { namespace: 'archpolicy-system', name: 'archpolicy-operator' };
const never = new AbortController().signal;

let server: FakeApiServer;
let client: ApiClient;

beforeEach(async () => {
  server = await new FakeApiServer().start();
  const credentials = fixedCredentials({ server: server.url });
  client = new ApiClient({ credentials, clock: new FakeClock(), userAgent: 'archpolicy-test/0' });
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

describe('a Lease', () => {
  test('P2 is read and written while the responses to all other requests hang', async () => {
    server.fault = ({ path }) => (path.includes('/secrets/') ? { kind: 'hang' } : undefined);
    const reads = Array.from({ length: 200 }, (_, i) =>
      client.request({ method: 'GET', path: `/api/v1/namespaces/shop/secrets/pull-${i}`, signal: never }),
    );
    const failed = Promise.allSettled(reads);
    expect(await readLease(client, LEASE, never)).toBeUndefined();
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: LEASE.name },
      spec: { holderIdentity: 'a' },
    };
    const created = await writeLease(client, LEASE, { body, create: true }, never);
    expect(created).toMatchObject({ holder: 'a' });
    await client.close();
    expect((await failed).filter(({ status }) => status === 'rejected')).toHaveLength(200);
  });
});
