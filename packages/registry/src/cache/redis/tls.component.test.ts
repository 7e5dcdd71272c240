import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  createCertificateAuthority,
  FaultProxy,
  PRIMARY_NAME,
  RedisCluster,
  RedisNode,
  RedisSentinel,
} from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair, RedisTls } from '@archpolicy/testkit';
import { RedisRig } from './fixtures/redis-rig.ts';
import type { RedisStore } from './store.ts';

const PASSWORD = 'geheim-S3cretPassw0rd';
const VALUE = Buffer.from('value');
/** The first byte of a TLS connection: a handshake record (https://www.rfc-editor.org/rfc/rfc8446#section-5.1). */
const HANDSHAKE = 0x16;

const trusted = getCACertificates('default');
let authority: CertificateAuthority;
/** A certificate for the name `localhost` only, as managed services have them. */
let tls: RedisTls;
let rig: RedisRig;

beforeAll(async () => {
  authority = await createCertificateAuthority();
  tls = { ...(await authority.issue({ dnsNames: ['localhost'], addresses: [] })), ca: authority.certificate };
  // As NODE_EXTRA_CA_CERTS does at the start of a process.
  setDefaultCACertificates([...trusted, authority.certificate]);
});

afterAll(() => {
  setDefaultCACertificates(trusted);
});

beforeEach(() => {
  rig = new RedisRig();
});

afterEach(() => rig.end());

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  rig.onEnd(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** The URL of each form, for a host. */
const FORMS: Readonly<Record<string, (scheme: string, host: string) => string>> = {
  'one node': (scheme, host) => `${scheme}://cache:${PASSWORD}@${host}`,
  Sentinel: (scheme, host) => `${scheme}+sentinel://cache:${PASSWORD}@${host}/${PRIMARY_NAME}`,
  Cluster: (scheme, host) => `${scheme}+cluster://cache:${PASSWORD}@${host}`,
};

/** Reads until the log has a line, because the clock is not advanced. */
async function firstLogLine(redis: RedisStore): Promise<string | undefined> {
  while (rig.logLines.length === 0) {
    void redis.get(['key']);
    await delay(5);
  }
  return rig.logLines[0];
}

/** Advances the clock, no faster than real time, until the promise settles. */
async function advanceUntil<T>(awaited: Promise<T>): Promise<T> {
  const progress = { isOver: false };
  const done = awaited.finally(() => {
    progress.isOver = true;
  });
  while (!progress.isOver) {
    await delay(5);
    await rig.clock.advance(5);
  }
  return done;
}

async function expectWorks(redis: RedisStore): Promise<void> {
  const keys = Array.from({ length: 20 }, (_, at) => `key-${at}`);
  await Promise.all(keys.map((key) => redis.set(key, VALUE, 60_000)));
  expect(await redis.get(keys)).toEqual(keys.map(() => VALUE));
  expect(rig.logLines).toEqual([]);
}

/** Expects that clients of the proxy sent TLS with the server's name, and no password that can be read. */
function expectEncrypted({ received }: FaultProxy): void {
  expect(received[0]).toBe(HANDSHAKE);
  expect(received.includes('localhost')).toBe(true);
  expect(received.includes(PASSWORD)).toBe(false);
}

describe('K7 Redis over TLS, with certificates for names', () => {
  test('K7 P5 one node: the name is sent (SNI) and verified, the password is encrypted', async () => {
    const server = await rig.start(new RedisNode({ tls, password: PASSWORD }));
    const proxy = await rig.start(new FaultProxy(server.port));
    await expectWorks(rig.open(`rediss://:${PASSWORD}@localhost:${proxy.port}`));
    expectEncrypted(proxy);
  });

  test('K7 P5 Sentinel: Sentinels and primary over TLS, with the user of the URL', async () => {
    const sentinel = await rig.start(new RedisSentinel({ tls, user: { name: 'cache', password: PASSWORD } }));
    const proxy = await rig.start(new FaultProxy(Number(sentinel.address.split(':')[1])));
    await expectWorks(rig.open(`rediss+sentinel://cache:${PASSWORD}@localhost:${proxy.port}/${PRIMARY_NAME}`));
    expectEncrypted(proxy);
  }, 60_000);

  test.each([
    ['names', true],
    ['addresses, with certificates for the name in the URL', false],
  ])(
    'K7 P5 Cluster: nodes are announced by %s',
    async (_, announceNames) => {
      const cluster = await rig.start(new RedisCluster({ tls, password: PASSWORD, announceNames }));
      const proxy = await rig.start(new FaultProxy(cluster.nodes[0]?.port ?? 0));
      await expectWorks(rig.open(`rediss+cluster://:${PASSWORD}@localhost:${proxy.port}`));
      expectEncrypted(proxy);
      expect((await cluster.keys()).size).toBe(20);
      const line = await firstLogLine(rig.open(`rediss+cluster://:wrong@localhost:${proxy.port}`));
      expect(line).toBe('redis unavailable, continuing without it {"reason":"WRONGPASS"}');
    },
    60_000,
  );
});

describe('K7 P5 a server that must not get the password', () => {
  test.each(Object.entries(FORMS))(
    'K7 P5 without TLS: %s sends a handshake with the name, and nothing else',
    async (_, url) => {
      let received = Buffer.alloc(0);
      const port = await listen(
        createServer((socket) => {
          socket.on('error', () => undefined);
          socket.once('data', (data) => {
            received = Buffer.from(data);
            socket.end('-ERR plain text\r\n');
          });
        }),
      );
      await firstLogLine(rig.open(url('rediss', `localhost:${port}`)));
      expect(received[0]).toBe(HANDSHAKE);
      expect(received.includes('localhost')).toBe(true);
      expect(received.includes(PASSWORD)).toBe(false);
    },
  );

  const faults: readonly (readonly [string, () => Promise<CertificatePair>, string])[] = [
    ['for another name', () => authority.issue({ dnsNames: ['other.example'] }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [
      'that has expired',
      () => authority.issue({ notBefore: new Date(0), notAfter: new Date(1_000) }),
      'CERT_HAS_EXPIRED',
    ],
    [
      'of an unknown CA',
      async () => (await createCertificateAuthority('other')).issue(),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ];
  const cases = Object.entries(FORMS).flatMap(([form, url]) => faults.map((fault) => [form, ...fault, url] as const));

  test.each(cases)(
    'K7 P5 %s with a certificate %s: the log has the reason',
    async (_form, _fault, issue, reason, url) => {
      const { certificate: cert, key } = await issue();
      const received: Buffer[] = [];
      const server = createTlsServer({ cert, key }, (socket) => {
        socket.on('error', () => undefined).on('data', (data: Buffer) => received.push(data));
      });
      server.on('tlsClientError', () => undefined);
      const port = await listen(server);
      const line = await firstLogLine(rig.open(url('rediss', `localhost:${port}`)));
      expect(line).toBe(`redis unavailable, continuing without it {"reason":"${reason}"}`);
      expect(received).toEqual([]);
    },
  );
});

describe('K7 Sentinels', () => {
  test('K7 a Sentinel without the user of the URL gets the password alone', async () => {
    const sentinel = await rig.start(new RedisSentinel({ user: { name: 'default', password: PASSWORD } }));
    const primary = await sentinel.primary();
    await primary.command('ACL', 'SETUSER', 'cache', 'on', `>${PASSWORD}`, '~*', '+@all');
    await expectWorks(rig.open(`redis+sentinel://cache:${PASSWORD}@${sentinel.address}/${PRIMARY_NAME}`));
  }, 60_000);

  test('K7 a Sentinel that hangs delays one attempt only', async () => {
    const sentinel = await rig.start(new RedisSentinel());
    const silent = await listen(createServer((socket) => void socket.on('error', () => undefined).resume()));
    const redis = rig.open(`redis+sentinel://127.0.0.1:${silent},${sentinel.address}/${PRIMARY_NAME}`);
    const use = (): Promise<readonly (Buffer | undefined)[]> =>
      advanceUntil(redis.set('key', VALUE, 60_000).then(() => redis.get(['key'])));
    while ((await use())[0] === undefined);
    expect(await redis.get(['key'])).toEqual([VALUE]);
  }, 60_000);

  test('K7 a Sentinel that does not know the primary: the log has the reason', async () => {
    const sentinel = await rig.start(new RedisSentinel());
    const line = await firstLogLine(rig.open(`redis+sentinel://${sentinel.address}/unknown`));
    expect(line).toBe('redis unavailable, continuing without it {"reason":"NO_SUCH_PRIMARY"}');
  }, 60_000);
});
