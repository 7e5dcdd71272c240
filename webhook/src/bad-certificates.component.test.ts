import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { systemClock } from '@archpolicy/async';
import { createWorld } from '@archpolicy/testkit';
import type { CertificatePair, World } from '@archpolicy/testkit';
import { RunningWebhook } from './fixtures/running-webhook.ts';
import { WebhookProcess } from './fixtures/webhook-process.ts';

// Processes and TLS on a loaded machine.
jest.setTimeout(60_000);

const MINUTE_MS = 60_000;

let world: World;
let webhook: WebhookProcess | undefined;

beforeEach(async () => {
  world = await createWorld();
});

afterEach(async () => {
  await webhook?.stop();
  webhook = undefined;
  await world.end();
});

/** The pair with a second block in its chain that is base64 but not a certificate. */
function withBrokenChain({ certificate, key }: CertificatePair): CertificatePair {
  const broken = Buffer.from('not a certificate, but long enough to be one').toString('base64');
  return { certificate: `${certificate}-----BEGIN CERTIFICATE-----\n${broken}\n-----END CERTIFICATE-----\n`, key };
}

const BAD: readonly [string, (world: World) => Promise<CertificatePair>, string, string][] = [
  [
    'with a 1024-bit RSA key',
    ({ authority }) => authority.issue({ keyType: 'RSA-1024' }),
    'RejectedByOpenSsl',
    'tls.crt and tls.key are rejected by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)',
  ],
  [
    'whose second PEM block is broken',
    async ({ authority }) => withBrokenChain(await authority.issue()),
    'CertificateInvalid',
    'certificate 2 in tls.crt cannot be parsed',
  ],
  [
    'that is valid in ten minutes',
    ({ authority }) => authority.issue({ notBefore: new Date(Date.now() + 10 * MINUTE_MS) }),
    'NotYetValid',
    'the new certificate is not valid yet',
  ],
];

const serialNumber = ({ certificate }: CertificatePair): string => new X509Certificate(certificate).serialNumber;
const started = async (): Promise<WebhookProcess> => {
  const process = new WebhookProcess(world);
  webhook = process;
  await process.until(async () => (await process.ready()).status === 200);
  return process;
};

describe('a bad certificate under a running webhook', () => {
  test.each(BAD)('P2 a pair %s does not replace the good one', async (_, issue, code, problem) => {
    const process = await started();
    const good = await process.handshake();

    const bad = await issue(world);
    await world.writeCertificate(bad);
    await process.until(() => process.log.some((line) => line.code === code));

    const message = 'new certificate rejected, keeping the current one';
    expect(process.log.find((line) => line.code === code)).toMatchObject({ msg: message, code, problem });
    expect(await process.handshake()).toBe(good);
    expect((await process.ready()).status).toBe(200);
    expect(process.exitCode).toBeNull();

    const next = await world.authority.issue();
    await world.writeCertificate(next);
    await process.until(async () => (await process.handshake()) === serialNumber(next));
    expect((await process.ready()).status).toBe(200);
  });
});

describe('a bad certificate at the start', () => {
  test.each(BAD.slice(0, 2))(
    'P2 with a pair %s the webhook waits unready for a good one',
    async (_, issue, __, problem) => {
      await world.writeCertificate(await issue(world));
      const process = new WebhookProcess(world);
      webhook = process;
      await process.until(async () => (await process.ready()).checks['certificate'] === problem);
      expect((await process.ready()).status).toBe(503);

      const good = await world.authority.issue();
      await world.writeCertificate(good);
      await process.until(async () => (await process.ready()).status === 200);
      expect(await process.handshake()).toBe(serialNumber(good));
    },
  );
});

test('P2 a certificate that is replaced before the webhook serves is served', async () => {
  world.api.fault = () => ({ kind: 'reset' });
  const process = new WebhookProcess(world);
  webhook = process;
  const loaded = async (times: number): Promise<void> => {
    await process.until(async () => (await process.metrics()).includes(`reads_total{outcome="loaded"} ${times}`));
  };
  await loaded(1);
  const next = await world.authority.issue();
  await world.writeCertificate(next);
  await loaded(2);
  world.api.fault = () => undefined;
  await process.until(async () => (await process.ready()).status === 200);
  expect(await process.handshake()).toBe(serialNumber(next));
});

test('P2 a certificate that is not valid yet is served once it is valid, and the webhook stays ready', async () => {
  const HOUR_MS = 3_600_000;
  // notBefore is half an hour ahead of the webhook's clock and half an hour behind the client's.
  let aheadMs = -HOUR_MS;
  const clock = { ...systemClock(), now: () => Date.now() + aheadMs };
  const running = await RunningWebhook.start(world, {}, clock);
  try {
    const current = await running.handshake();
    const next = await world.authority.issue({ notBefore: new Date(Date.now() - HOUR_MS / 2) });
    await world.writeCertificate(next);
    const count = /^archpolicy_certificate_reads_total\{outcome="not-yet-valid"\} [1-9]/mu;
    await running.until(async () => count.test((await running.get('/metrics')).text));
    expect(await running.handshake()).toBe(current);
    expect((await running.get('/readyz')).status).toBe(200);

    aheadMs = 0;
    await running.until(async () => (await running.handshake()) === serialNumber(next));
    expect((await running.get('/readyz')).status).toBe(200);
  } finally {
    await running.stop();
  }
});

describe('NODE_EXTRA_CA_CERTS, which Redis over TLS needs for a private CA', () => {
  let redis: Server;
  /** Bytes that clients sent after verifying the server's certificate. */
  let receivedBytes: number;

  beforeEach(async () => {
    const { certificate: cert, key } = await world.authority.issue();
    receivedBytes = 0;
    redis = createServer({ cert, key }, (socket) => {
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => (receivedBytes += chunk.length));
    });
    await new Promise<void>((resolve) => redis.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    await new Promise((resolve) => redis.close(resolve));
  });

  test.each<[string, boolean, (ca: string) => string]>([
    ['the CA', true, (ca) => ca],
    ['no text', false, () => ''],
    ['text', false, () => 'garbage'],
    ['a broken block before the CA', false, (ca) => `${ca.replace(/\nM/u, '\n!')}\n${ca}`],
  ])('P2 a file of %s does not end the webhook; Redis is trusted: %s', async (_, isTrusted, content) => {
    const bundle = join(world.directory, 'extra.pem');
    await writeFile(bundle, content(world.authority.certificate));
    const process = new WebhookProcess(world, {
      NODE_EXTRA_CA_CERTS: bundle,
      ARCHPOLICY_REDIS_URL: `rediss://127.0.0.1:${(redis.address() as AddressInfo).port}`,
      ARCHPOLICY_CACHE_KEY: 'a-cache-key-of-thirty-two-characters',
    });
    webhook = process;
    await process.until(() => process.log.some(({ msg }) => msg.startsWith('redis unavailable')));
    await process.until(async () => (await process.ready()).status === 200);
    if (isTrusted) await process.until(() => receivedBytes > 0);
    else expect(receivedBytes).toBe(0);
  });
});
