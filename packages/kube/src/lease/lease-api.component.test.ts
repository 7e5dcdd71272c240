import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createCertificateAuthority, FakeApiServer, FakeClock } from '@archpolicy/testkit';
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

  test('P2 is read although the connections of four earlier requests are never established', async () => {
    const authority = await createCertificateAuthority();
    const { certificate: cert, key } = await authority.issue();
    const lease = JSON.stringify({ metadata: { resourceVersion: '1' }, spec: { holderIdentity: 'a' } });
    const backend = createServer({ cert, key }, (_, response) => response.end(lease));
    // The first four connections lead to a dead backend.
    const dead: Socket[] = [];
    const balancer = createTcpServer((socket) => {
      if (dead.length < 4) dead.push(socket.on('error', () => undefined));
      else backend.emit('connection', socket);
    });
    await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
    const clock = new FakeClock();
    const { port } = balancer.address() as AddressInfo;
    const credentials = fixedCredentials({
      server: `https://127.0.0.1:${port}`,
      tls: { ca: authority.certificate },
    });
    const tls = new ApiClient({ credentials, clock, userAgent: 'archpolicy-test/0' });
    for (let i = 0; i < 4; i += 1) {
      const read = readLease(tls, LEASE, never);
      await Promise.all([expect(read).rejects.toMatchObject({ code: 'Timeout' }), clock.advance(5_000)]);
    }
    expect(await readLease(tls, LEASE, never)).toMatchObject({ holder: 'a' });
    await tls.close();
    for (const socket of dead) socket.destroy();
    backend.closeAllConnections();
    await new Promise((resolve) => balancer.close(resolve));
  });
});
