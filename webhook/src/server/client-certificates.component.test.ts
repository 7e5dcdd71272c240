import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair } from '@archpolicy/testkit';
import { TlsClient } from '../fixtures/tls-client.ts';
import type { TlsClientOptions } from '../fixtures/tls-client.ts';
import { WebhookServer } from './webhook-server.ts';

const HOUR_MS = 3_600_000;

let serving: CertificateAuthority;
let clients: CertificateAuthority;
let others: CertificateAuthority;
let server: WebhookServer;
let port: number;
let rejected: string[];
const open: TlsClient[] = [];

beforeAll(async () => {
  serving = await createCertificateAuthority('serving');
  clients = await createCertificateAuthority('clients');
  others = await createCertificateAuthority('others');
});

const issue = async () => {
  const { certificate, key } = await serving.issue();
  return { cert: Buffer.from(certificate), key: Buffer.from(key) };
};

beforeEach(async () => {
  rejected = [];
  server = new WebhookServer({
    certificate: await issue(),
    clientCa: Buffer.from(clients.certificate),
    address: { host: '127.0.0.1', port: 0 },
    handler: {
      handle: () => Promise.resolve({ status: 200, body: 'answered' }),
      shed: () => ({ status: 429, body: 'shed' }),
      rejectUnread: (reason) => ({ status: 429, body: reason }),
    },
    clock: systemClock(),
    random: Math.random,
    inspectionBudgetMs: 400,
    onClientRejected: ({ reason, code }) => void rejected.push(`${reason} ${code}`),
  });
  port = await server.listen();
});

afterEach(async () => {
  for (const client of open.splice(0)) client.close();
  await server.close(AbortSignal.abort());
});

const createClient = (pair?: CertificatePair, options: TlsClientOptions = {}): TlsClient => {
  const identity = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
  const client = new TlsClient(port, serving.certificate, { ...identity, ...options });
  open.push(client);
  return client;
};

const call = async (pair?: CertificatePair): Promise<string> =>
  (
    await createClient(pair)
      .send({})
      .catch(() => ({ body: 'rejected' }))
  ).body;

describe('client certificates', () => {
  test.each<[string, () => Promise<CertificatePair> | undefined, string, string[]]>([
    ['of the configured authority', () => clients.issue({ usages: ['clientAuth'] }), 'answered', []],
    ['that is missing', () => undefined, 'rejected', ['no-certificate ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE']],
    [
      'of the authority that issued the serving certificate',
      () => serving.issue(),
      'rejected',
      ['invalid-certificate SELF_SIGNED_CERT_IN_CHAIN'],
    ],
    [
      'of another authority of the same name',
      async () => (await createCertificateAuthority('clients')).issue(),
      'rejected',
      ['invalid-certificate CERT_SIGNATURE_FAILURE'],
    ],
    [
      'that has expired',
      () => clients.issue({ notAfter: new Date(Date.now() - HOUR_MS) }),
      'rejected',
      ['invalid-certificate CERT_HAS_EXPIRED'],
    ],
    [
      'that is not valid yet',
      () => clients.issue({ notBefore: new Date(Date.now() + HOUR_MS) }),
      'rejected',
      ['invalid-certificate CERT_NOT_YET_VALID'],
    ],
    [
      'for servers only',
      () => clients.issue({ usages: ['serverAuth'] }),
      'rejected',
      ['invalid-certificate INVALID_PURPOSE'],
    ],
  ])('P4 a client certificate %s', async (_, pair, body, reasons) => {
    expect(await call(await pair())).toBe(body);
    expect(rejected).toEqual(reasons);
  });

  test('P4 a reload of the serving certificate still requires a client certificate', async () => {
    server.reload({ certificate: await issue() });
    expect([await call(), await call(await clients.issue())]).toEqual(['rejected', 'answered']);
  });

  test('P4 a reload of the authorities applies to new connections, and to resumed sessions', async () => {
    const pair = await clients.issue();
    const client = createClient(pair);
    expect((await client.send({})).body).toBe('answered');
    server.reload({ clientCa: Buffer.from(others.certificate) });
    // The connection stays open until its maximum age.
    expect((await client.send({})).body).toBe('answered');
    server.drain();
    await client.send({});
    // The next connection of this client presents the ticket of its session.
    await expect(client.send({})).rejects.toThrow();
    expect([await call(pair), await call(await others.issue())]).toEqual(['rejected', 'answered']);
  });

  test('P4 a connection that ends for another reason is not counted', async () => {
    await expect(createClient(undefined, { maxVersion: 'TLSv1.2' }).send({})).rejects.toThrow(/protocol version/u);
    expect(rejected).toEqual([]);
  });
});
