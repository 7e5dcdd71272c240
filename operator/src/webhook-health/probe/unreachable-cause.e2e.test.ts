import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { systemClock } from '@archpolicy/async';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import type { ApiClient } from '@archpolicy/kube';
import { createCertificateAuthority } from '@archpolicy/testkit';
import type { CertificateAuthority } from '@archpolicy/testkit';
import { silent } from '../../fixtures/objects.ts';
import { applyAccounts, operatorClient, output } from '../../gate/fixtures/clients.ts';
import { WebhookProbe } from './webhook-probe.ts';

jest.setTimeout(120_000);

const CONFIGURATION = join(
  import.meta.dirname,
  '../../../../deploy/base/webhook-configuration/mutating-webhook-configuration.yaml',
);
const TIMEOUT_MS = 2_000;
const signal = new AbortController().signal;

let authority: CertificateAuthority;
let cluster: TestCluster;
let api: ApiClient;
let probe: WebhookProbe;
const servers: Server[] = [];

beforeAll(async () => {
  authority = await createCertificateAuthority('webhook');
  cluster = await startCluster({ only: 'api-server' });
  await applyAccounts(cluster.kubectl);
  await output(cluster.kubectl, ['create', 'serviceaccount', 'default', '--namespace=archpolicy-probe']);
  api = await operatorClient(cluster.kubectl);
  probe = new WebhookProbe({ api, clock: systemClock(), logger: silent, onProbe: () => undefined });
}, START_TIMEOUT_MILLISECONDS);

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

afterAll(async () => {
  await api.close();
  await cluster.stop();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server.unref());
  return (server.address() as AddressInfo).port;
}

/** Returns the port of a server that answers each request with 404. */
async function notFound(issuer: CertificateAuthority): Promise<number> {
  const { certificate: cert, key } = await issuer.issue({ addresses: ['127.0.0.1'] });
  return listen(createTlsServer({ cert, key }, (_, response) => response.writeHead(404).end()));
}

/** Returns a port on which nothing listens. */
async function closedPort(): Promise<number> {
  const port = await listen(createServer());
  servers.pop()?.close();
  return port;
}

/** Installs the webhook configuration of deploy/ with the address of a local server. */
async function install(port: number): Promise<void> {
  const configuration = parse(readFileSync(CONFIGURATION, 'utf8')) as { webhooks: object[] };
  const caBundle = Buffer.from(authority.certificate).toString('base64');
  const webhooks = configuration.webhooks.map((webhook) => ({
    ...webhook,
    clientConfig: { url: `https://127.0.0.1:${port}/mutate`, caBundle },
  }));
  await output(cluster.kubectl, ['apply', '--filename=-'], JSON.stringify({ ...configuration, webhooks }));
}

async function diagnose(isReported: boolean) {
  const verdict = await probe.probe(signal);
  const durationMs = verdict.kind === 'silent' ? verdict.durationMs : 0;
  return probe.diagnose(durationMs, { timeoutMs: TIMEOUT_MS, isReported }, signal);
}

test.each<[string, () => Promise<number>, string, string, RegExp]>([
  ['refuses connections', closedPort, 'refused', 'fails-at-once', /connect: connection refused/u],
  ['hangs', () => listen(createServer()), 'timed-out', 'timed-out', /context deadline exceeded/u],
  [
    'has a certificate of an unknown authority',
    async () => notFound(await createCertificateAuthority('others')),
    ...(['certificate', 'fails-at-once', /x509: certificate signed by unknown authority/u] as const),
  ],
  ['answers 404', () => notFound(authority), 'wrong-answer', 'fails-at-once', /could not find the requested resource/u],
])('R3 a real API server whose webhook %s', async (_, start, reported, byDuration, words) => {
  await install(await start());
  // The API server reads the configuration with a delay.
  const diagnosis = await waitFor(
    async () => {
      const found = await diagnose(true);
      return words.test(found.words) && found;
    },
    { timeoutMs: 30_000, what: 'the API server to report the failure' },
  );
  expect(diagnosis.cause).toBe(reported);
  expect(await diagnose(false)).toEqual({ cause: byDuration, words: '' });
});

test('R3 a real API server that rejects the probe itself', async () => {
  await output(cluster.kubectl, ['delete', 'rolebinding', 'archpolicy-operator-probe', '--namespace=archpolicy-probe']);
  const verdict = await waitFor(
    async () => {
      const found = await probe.probe(signal);
      return found.kind === 'refused' && found;
    },
    { timeoutMs: 30_000, what: 'the API server to reject the probe' },
  );
  expect(verdict).toMatchObject({ status: 403, words: expect.stringContaining("cannot create resource 'pods'") });
});
