import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { bodyOrThrow, resourcePath, SECRETS, WEBHOOK_CONFIGURATIONS } from '@archpolicy/kube';
import type { ApiClient, EventInput } from '@archpolicy/kube';
import { issueAuthority, issueServing } from '@archpolicy/tls/issue';
import type { IssuedCertificate } from '@archpolicy/tls/issue';
import { freePort } from '@archpolicy/testkit';
import { runOperator } from './app.ts';
import { CertificateController } from './certificates/certificate-controller.ts';
import { AUTHORITY_SUBJECT } from './certificates/certificate-content.ts';
import { adminClient, applyAccounts, operatorClient, operatorCredentials, output } from './gate/fixtures/clients.ts';

const NAMESPACE = 'archpolicy-system';
const [CA, TLS] = ['archpolicy-webhook-ca', 'archpolicy-webhook-tls'] as const;
const HOST = `archpolicy-webhook.${NAMESPACE}.svc`;
const CONFIGURATION_FOLDER = join(import.meta.dirname, '../../deploy/base/webhook-configuration');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How many times faster the waits of the controller pass: a minute in 0.5 s. */
const SPEED = 120;
const signal = new AbortController().signal;

jest.setTimeout(60_000);

let cluster: TestCluster;
let admin: ApiClient;
let api: ApiClient;
let end: AbortController;
let running: Promise<void>[];
let events: EventInput[];
let changes: string[];

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  await applyAccounts(cluster.kubectl);
  admin = adminClient(cluster.get('KUBECONFIG'));
  api = await operatorClient(cluster.kubectl);
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await Promise.all([api.close(), admin.close()]);
  await cluster.stop();
});

/** A clock whose waits are short, and whose time differs from the API server's. */
function fastClock(skewMs: number): Clock {
  const clock = systemClock();
  return {
    now: () => clock.now() + skewMs,
    monotonic: () => clock.monotonic() * SPEED,
    sleep: (ms, until) => clock.sleep(ms / SPEED, until),
  };
}

function start(skewMs = 0): CertificateController {
  const ignore = (): void => undefined;
  const controller = new CertificateController({
    ...{ api, namespace: NAMESPACE, clock: fastClock(skewMs) },
    lifetimes: { servingMs: 7 * DAY_MS, authorityMs: 365 * DAY_MS },
    events: { record: (event) => events.push(event) },
    metrics: { changed: (object, cause) => changes.push(`${object} ${cause}`), expires: ignore, failing: ignore },
    logger: { info: ignore, warn: ignore },
  });
  running.push(controller.run(end.signal));
  return controller;
}

async function stop(): Promise<void> {
  end.abort();
  await Promise.all(running);
}

const kubectl = (...args: string[]): Promise<string> => output(cluster.kubectl, args);

async function read(path: string): Promise<JsonObject> {
  const answer = await admin.request({ method: 'GET', path, signal });
  if (answer.kind === 'refused' && answer.status === 404) return {};
  const body = bodyOrThrow(answer);
  return isJsonObject(body) ? body : {};
}

const readSecret = (name: string): Promise<JsonObject> => read(resourcePath(SECRETS, { namespace: NAMESPACE, name }));

async function text(name: string, key: string): Promise<string> {
  const value = textAt(objectAt(await readSecret(name), 'data'), key) ?? '';
  return Buffer.from(value, 'base64').toString();
}

/** The CAs in the bundle of each webhook. */
async function bundles(): Promise<X509Certificate[][]> {
  const configuration = await read(resourcePath(WEBHOOK_CONFIGURATIONS, { name: 'archpolicy' }));
  return arrayAt(configuration, 'webhooks').map((entry) => {
    const client = isJsonObject(entry) ? objectAt(entry, 'clientConfig') : {};
    const pem = Buffer.from(textAt(client, 'caBundle') ?? '', 'base64').toString();
    return (pem.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/gu) ?? []).map((one) => new X509Certificate(one));
  });
}

/** What is wrong with the installed certificates, as an API server would find it; empty if nothing is. */
async function findFaults(): Promise<string> {
  const pem = await text(TLS, 'tls.crt');
  if (!pem.includes('BEGIN CERTIFICATE')) return 'no serving certificate';
  const leaf = new X509Certificate(pem);
  const installed = await bundles();
  if (installed.length === 0) return 'no configuration';
  const isTrusted = installed.every((cas) => cas.some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey)));
  if (!isTrusted) return 'not trusted';
  if (leaf.validToDate.getTime() < Date.now() || leaf.validFromDate.getTime() > Date.now()) return 'not valid';
  return leaf.checkHost(HOST, { subject: 'never' }) === undefined ? 'wrong name' : '';
}

async function untilHealthy(): Promise<void> {
  const isHealthy = async (): Promise<boolean> => (await findFaults()) === '';
  await waitFor(isHealthy, { timeoutMs: 30_000, what: 'the certificates to be in order', intervalMs: 100 });
}

async function until(condition: () => boolean, what: string): Promise<void> {
  await waitFor(() => Promise.resolve(condition()), { timeoutMs: 30_000, what, intervalMs: 50 });
}

async function putSecret(
  name: string,
  data: Readonly<Record<string, string>>,
  metadata: JsonObject = {},
): Promise<void> {
  const before = objectAt(await readSecret(name), 'data');
  await kubectl('delete', 'secret', name, `-n=${NAMESPACE}`, '--ignore-not-found');
  const encoded = Object.entries(data).map(([key, value]): [string, string] => [
    key,
    Buffer.from(value).toString('base64'),
  ]);
  const type = name === TLS ? 'kubernetes.io/tls' : 'Opaque';
  const secret = {
    ...{ apiVersion: 'v1', kind: 'Secret', type, metadata: { name, namespace: NAMESPACE, ...metadata } },
    data: { ...before, ...Object.fromEntries(encoded) },
  };
  await output(cluster.kubectl, ['create', '--filename=-'], JSON.stringify(secret));
}

async function setBundles(pem: string): Promise<void> {
  const value = Buffer.from(pem).toString('base64');
  const patch = [0, 1].map((index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value }));
  await kubectl(
    'patch',
    'mutatingwebhookconfiguration',
    'archpolicy',
    '--type=json',
    `--patch=${JSON.stringify(patch)}`,
  );
}

const period = (fromMs: number, toMs: number): { notBeforeMs: number; notAfterMs: number } => ({
  notBeforeMs: Date.now() + fromMs,
  notAfterMs: Date.now() + toMs,
});
const newAuthority = (subject: string, validity = period(-HOUR_MS, DAY_MS)): Promise<IssuedCertificate> =>
  issueAuthority({ subject, validity });

/** Puts a serving certificate of the present CA, or of another one. */
async function putLeaf(options: {
  names?: string[];
  validity?: ReturnType<typeof period>;
  authority?: IssuedCertificate;
}): Promise<void> {
  const present = { certificate: await text(CA, 'ca.crt'), key: await text(CA, 'ca.key') };
  const { authority = present, names = [HOST], validity = period(-HOUR_MS, DAY_MS) } = options;
  const { certificate, key } = await issueServing({ authority, names, validity });
  await putSecret(TLS, { 'tls.crt': certificate, 'tls.key': key });
}

const removeSecrets = (...names: string[]): Promise<string> =>
  kubectl('delete', 'secret', ...names, `-n=${NAMESPACE}`, '--ignore-not-found');
const applyConfiguration = (): Promise<string> =>
  kubectl('apply', '--server-side', '--force-conflicts', '--kustomize', CONFIGURATION_FOLDER);
const removeConfiguration = (): Promise<string> =>
  kubectl('delete', 'mutatingwebhookconfiguration', 'archpolicy', '--ignore-not-found');

beforeEach(async () => {
  [end, running, events, changes] = [new AbortController(), [], [], []];
  // A healthy installation, made by another replica before the fault of the row.
  await Promise.all([removeSecrets(CA, TLS), removeConfiguration()]);
  await applyConfiguration();
  start();
  await untilHealthy();
  await stop();
  [end, running, events, changes] = [new AbortController(), [], [], []];
});
afterEach(stop);

/** Each row of the plan's table that needs no other clock: the fault, and the first change that follows. */
const ROWS: readonly (readonly [fault: string, make: () => Promise<unknown>, change: string])[] = [
  [
    'nothing there',
    async () => Promise.all([removeSecrets(CA, TLS), removeConfiguration().then(applyConfiguration)]),
    'authority missing',
  ],
  ['only the leaf', () => removeSecrets(CA), 'authority missing'],
  ['only the CA', () => removeSecrets(TLS), 'serving missing'],
  ['both Secrets deleted', () => removeSecrets(CA, TLS), 'authority missing'],
  ['expired leaf', () => putLeaf({ validity: period(-DAY_MS, -HOUR_MS) }), 'serving expired'],
  [
    'expired CA',
    async () => {
      const { certificate, key } = await newAuthority(AUTHORITY_SUBJECT, period(-DAY_MS, -HOUR_MS));
      await putSecret(CA, { 'ca.crt': certificate, 'ca.key': key });
    },
    'authority expired',
  ],
  ['foreign CA of the leaf', async () => putLeaf({ authority: await newAuthority('CN=corp') }), 'serving foreign'],
  [
    'foreign CA in its Secret',
    async () => {
      const { certificate, key } = await newAuthority('CN=corp');
      await putSecret(CA, { 'ca.crt': certificate, 'ca.key': key });
    },
    'authority foreign',
  ],
  ['corrupt PEM of the leaf', () => putSecret(TLS, { 'tls.crt': '-----BEGIN CERTIFICATE-----\nx' }), 'serving corrupt'],
  ['corrupt PEM of the CA', () => putSecret(CA, { 'ca.crt': 'x' }), 'authority corrupt'],
  [
    'wrong key of the leaf',
    async () => putSecret(TLS, { 'tls.key': (await newAuthority('CN=a')).key }),
    'serving key-mismatch',
  ],
  [
    'wrong key of the CA',
    async () => putSecret(CA, { 'ca.key': (await newAuthority('CN=a')).key }),
    'authority key-mismatch',
  ],
  ['wrong names', () => putLeaf({ names: ['other.svc'] }), 'serving wrong-names'],
  ['bundle emptied', () => setBundles(''), 'bundle incomplete'],
  ['foreign bundle', async () => setBundles((await newAuthority('CN=corp')).certificate), 'bundle incomplete'],
  ['configuration applied again', () => removeConfiguration().then(applyConfiguration), 'bundle incomplete'],
];

describe('the table of certificate plans against an API server, with the rights and fences of deploy/', () => {
  test.each(ROWS)('P2 %s: two replicas restore the certificates', async (_, make, change) => {
    await make();
    const replicas = [start(), start()];
    await untilHealthy();
    await until(() => changes.length > 0, 'a change');
    expect(changes[0]).toBe(change);
    expect(replicas.map(({ problem }) => problem)).toEqual([undefined, undefined]);
  });

  test('P2 configuration missing: it is not created, and gets its bundle when it is applied', async () => {
    await Promise.all([removeConfiguration(), removeSecrets(CA, TLS)]);
    const controller = start();
    await until(() => changes.includes('serving missing'), 'both Secrets');
    expect(await findFaults()).toBe('no configuration');
    await applyConfiguration();
    await untilHealthy();
    expect(controller.problem).toBeUndefined();
  });

  test.each([
    ['an hour back', -HOUR_MS, '60 minutes behind'],
    ['30 days forward', 30 * DAY_MS, '43200 minutes ahead of'],
  ])('P2 a clock %s: nothing is changed, and the problem has the difference', async (_, skewMs, words) => {
    const before = await Promise.all([text(TLS, 'tls.crt'), text(CA, 'ca.crt')]);
    const controller = start(skewMs);
    await until(() => controller.problem !== undefined, 'the problem');
    expect(controller.problem).toContain(words);
    expect([changes, await text(TLS, 'tls.crt'), await text(CA, 'ca.crt')]).toEqual([[], ...before]);
  });

  test("P2 another manager's Secret: nothing is changed until it is deleted", async () => {
    await putSecret(TLS, {}, { annotations: { 'cert-manager.io/certificate-name': 'x' } });
    await setBundles('');
    const controller = start();
    await until(() => controller.problem !== undefined, 'the problem');
    expect([changes, await findFaults()]).toEqual([[], 'not trusted']);
    expect(events).toMatchObject([{ reason: 'CertificateFailed' }]);
    await removeSecrets(TLS);
    await untilHealthy();
    await until(() => controller.problem === undefined, 'the end of the problem');
  });

  test('P2 a LIST of pods that is refused: a due certificate is renewed, although no replica can lead', async () => {
    const roleOf = (verbs: string): Promise<string> => {
      const patch = `--patch=[{"op":"replace","path":"/rules/0/verbs","value":${verbs}}]`;
      return kubectl('patch', 'clusterrole', 'archpolicy-operator', '--type=json', patch);
    };
    await roleOf('["get"]');
    await putLeaf({ validity: period(-5 * DAY_MS, 2 * DAY_MS) });
    const before = await text(TLS, 'tls.crt');
    const directory = await mkdtemp(join(tmpdir(), 'archpolicy-certificates-'));
    await writeFile(join(directory, 'kubeconfig'), await operatorKubeconfig());
    const env = {
      ARCHPOLICY_KUBECONFIG: join(directory, 'kubeconfig'),
      ARCHPOLICY_METRICS_ADDRESS: `127.0.0.1:${await freePort()}`,
      ARCHPOLICY_LOG_LEVEL: 'error',
    };
    const operator = runOperator({ env, signal: end.signal, clock: systemClock() });
    await waitFor(async () => (await text(TLS, 'tls.crt')) !== before, { timeoutMs: 30_000, what: 'a renewal' });
    await untilHealthy();
    end.abort();
    await operator;
    await Promise.all([roleOf('["get","list","watch"]'), rm(directory, { recursive: true })]);
  });
});

async function operatorKubeconfig(): Promise<string> {
  const { server, tls, headers } = await operatorCredentials(cluster.kubectl);
  const authority = Buffer.from(String(tls.ca)).toString('base64');
  const token = headers['authorization']?.replace('Bearer ', '') ?? '';
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  });
}
