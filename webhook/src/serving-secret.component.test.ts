import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { createWorld } from '@archpolicy/testkit';
import type { CertificatePair, World } from '@archpolicy/testkit';
import { WebhookProcess } from './fixtures/webhook-process.ts';

// Processes and TLS on a loaded machine.
jest.setTimeout(90_000);

const SECRETS_PATH = '/api/v1/secrets';
const PATH = '/api/v1/namespaces/archpolicy-system/secrets/archpolicy-webhook-tls';
const WAITING = 'waiting for Secret archpolicy-system/archpolicy-webhook-tls';

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

const start = (): WebhookProcess => {
  webhook = new WebhookProcess(world, { ARCHPOLICY_TLS_DIRECTORY: '' });
  return webhook;
};
const reads = (): number => world.api.requests.filter(({ path }) => path === PATH).length;
const serialNumber = ({ certificate }: CertificatePair): string => new X509Certificate(certificate).serialNumber;

async function putPair(): Promise<string> {
  const pair = await world.authority.issue();
  const data = {
    'tls.crt': Buffer.from(pair.certificate).toString('base64'),
    'tls.key': Buffer.from(pair.key).toString('base64'),
  };
  const metadata = { namespace: 'archpolicy-system', name: 'archpolicy-webhook-tls' };
  world.api
    .collection(SECRETS_PATH)
    .put({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data });
  return serialNumber(pair);
}

describe('a webhook whose pair is in a Secret', () => {
  test('P2 starts without the Secret, alive but not ready, and serves the pair that appears', async () => {
    const process = start();
    await process.until(() => reads() >= 2);
    const { status, checks } = await process.ready();
    expect([status, checks['certificate']]).toEqual([503, expect.stringContaining(`${WAITING}: it does not exist`)]);
    expect(await process.isAlive()).toBe(true);
    expect(process.log.filter(({ code }) => code === 'SecretAbsent')).toHaveLength(1);

    const serial = await putPair();
    await process.until(async () => (await process.ready()).status === 200);
    expect(await process.handshake()).toBe(serial);
  });

  test('P2 serves while the API server is down, and starts again once it is back', async () => {
    const serial = await putPair();
    const first = start();
    await first.until(async () => (await first.ready()).status === 200);
    const { port } = world.api;
    await world.api.stop();
    expect(await first.handshake()).toBe(serial);
    expect((await first.ready()).checks['certificate']).toBe('ok');
    await first.stop();

    const second = start();
    await second.until(() => second.log.some(({ code }) => code === 'SecretUnavailable'));
    const { status, checks } = await second.ready();
    expect([status, checks['certificate']]).toEqual([503, `${WAITING}: the API server did not return it (Network)`]);
    expect(await second.isAlive()).toBe(true);
    await world.api.start(port);
    await second.until(async () => (await second.ready()).status === 200);
    expect(await second.handshake()).toBe(serial);
  });
});
