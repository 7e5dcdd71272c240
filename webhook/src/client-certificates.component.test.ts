import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import { createCertificateAuthority, createWorld } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair, World } from '@archpolicy/testkit';
import { body, pod, review } from './fixtures/reviews.ts';
import { RunningWebhook } from './fixtures/running-webhook.ts';
import { TlsClient } from './fixtures/tls-client.ts';

jest.setTimeout(60_000);

let world: World;
let clients: CertificateAuthority;
let file: string;
let webhook: RunningWebhook | undefined;

beforeEach(async () => {
  world = await createWorld();
  clients = await createCertificateAuthority('clients');
  file = join(world.directory, 'client-ca.crt');
});

afterEach(async () => {
  await webhook?.stop();
  webhook = undefined;
  await world.end();
});

const start = (): Promise<RunningWebhook> =>
  RunningWebhook.start(world, { ARCHPOLICY_CLIENT_CA_FILE: file }, systemClock());

/** The status of a review on a new connection. 0: the client was rejected. */
const call = async (pair?: CertificatePair): Promise<number> => {
  const identity = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
  const client = new TlsClient(world.port, world.authority.certificate, identity);
  try {
    return (await client.send({ body: body(review(pod({}))) })).status;
  } catch {
    return 0;
  } finally {
    client.close();
  }
};

test('P4 with a client CA, the webhook serves nothing before the file can be used, and then only its clients', async () => {
  const starting = start();
  const report = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${world.opsPort}/readyz`).catch(() => undefined);
    return (await response?.text()) ?? '';
  };
  while (!(await report()).includes('"clientCa":"the client CA file does not exist"')) await new Promise(setImmediate);
  const pair = await clients.issue();
  expect(await call(pair)).toBe(0);
  await writeFile(file, clients.certificate);
  webhook = await starting;
  expect([await call(pair), await call(), await call(await world.authority.issue())]).toEqual([200, 0, 0]);
  const { text } = await webhook.get('/metrics');
  expect(text).toContain('archpolicy_admission_clients_rejected_total{reason="no-certificate"} 1\n');
  expect(text).toContain('archpolicy_admission_clients_rejected_total{reason="invalid-certificate"} 1\n');
});

test('P4 a new client CA is used without a restart, and a broken one is not used', async () => {
  await writeFile(file, clients.certificate);
  webhook = await start();
  const pair = await clients.issue();
  await writeFile(file, 'garbage');
  await webhook.until(
    async () => (await webhook?.get('/metrics'))?.text.includes('reads_total{outcome="bad"} 1') === true,
  );
  expect([await call(pair), await call()]).toEqual([200, 0]);
  const next = await createCertificateAuthority('next');
  await writeFile(file, next.certificate);
  const renewed = await next.issue();
  await webhook.until(async () => (await call(renewed)) === 200);
  expect([await call(pair), await call()]).toEqual([0, 0]);
});
