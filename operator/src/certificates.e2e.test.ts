import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import type { ApiClient, EventInput } from '@archpolicy/kube';
import { freePort } from '@archpolicy/testkit';
import { runOperator } from './app.ts';
import { CertificateController } from './certificates/certificate-controller.ts';
import { AUTHORITY_SUBJECT } from './certificates/certificate-content.ts';
import { ReviewServer } from './certificates/fixtures/review-server.ts';
import { DAY_MS, LiveCertificates, NAMESPACE, newAuthority, period } from './fixtures/live-certificates.ts';
import { adminClient, applyAccounts, operatorClient, output } from './gate/fixtures/clients.ts';

const [CA, TLS] = ['archpolicy-webhook-ca', 'archpolicy-webhook-tls'] as const;
const HOUR_MS = 3_600_000;
/** How many times faster the waits of the controller pass: a minute in 0.5 s. */
const SPEED = 120;

jest.setTimeout(60_000);

let cluster: TestCluster;
let live: LiveCertificates;
let server: ReviewServer | undefined;
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
  live = new LiveCertificates(cluster.kubectl, admin);
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

function start(clock = fastClock(0)): CertificateController {
  const ignore = (): void => undefined;
  const controller = new CertificateController({
    ...{ api, namespace: NAMESPACE, clock },
    lifetimes: { servingMs: 7 * DAY_MS, authorityMs: 365 * DAY_MS },
    owners: { operator: () => undefined, webhook: () => undefined },
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

async function untilHealthy(): Promise<void> {
  const isHealthy = async (): Promise<boolean> => (await live.findFaults()) === '';
  await waitFor(isHealthy, { timeoutMs: 30_000, what: 'the certificates to be in order', intervalMs: 100 });
}

async function until(condition: () => boolean, what: string): Promise<void> {
  await waitFor(() => Promise.resolve(condition()), { timeoutMs: 30_000, what, intervalMs: 50 });
}

beforeEach(async () => {
  [end, running, events, changes] = [new AbortController(), [], [], []];
  // A healthy installation, made by another replica before the fault of the row.
  await Promise.all([live.removeSecrets(CA, TLS), live.removeConfiguration()]);
  await live.applyConfiguration();
  start();
  await untilHealthy();
  await stop();
  [end, running, events, changes] = [new AbortController(), [], [], []];
});
afterEach(async () => {
  await stop();
  await server?.stop();
  server = undefined;
});

/** Each row of the plan's table that needs no other clock: the fault, and the first change that follows. */
const ROWS: readonly (readonly [fault: string, make: () => Promise<unknown>, change: string])[] = [
  [
    'nothing there',
    async () =>
      Promise.all([live.removeSecrets(CA, TLS), live.removeConfiguration().then(() => live.applyConfiguration())]),
    'authority missing',
  ],
  ['only the leaf', () => live.removeSecrets(CA), 'authority missing'],
  ['only the CA', () => live.removeSecrets(TLS), 'serving missing'],
  ['both Secrets deleted', () => live.removeSecrets(CA, TLS), 'authority missing'],
  ['expired leaf', () => live.putLeaf({ validity: period(-DAY_MS, -HOUR_MS) }), 'serving expired'],
  [
    'expired CA',
    async () => {
      const { certificate, key } = await newAuthority(AUTHORITY_SUBJECT, period(-DAY_MS, -HOUR_MS));
      await live.putSecret(CA, { 'ca.crt': certificate, 'ca.key': key });
    },
    'authority expired',
  ],
  ['foreign CA of the leaf', async () => live.putLeaf({ authority: await newAuthority('CN=corp') }), 'serving foreign'],
  [
    'foreign CA in its Secret',
    async () => {
      const { certificate, key } = await newAuthority('CN=corp');
      await live.putSecret(CA, { 'ca.crt': certificate, 'ca.key': key });
    },
    'authority foreign',
  ],
  [
    'corrupt PEM of the leaf',
    () => live.putSecret(TLS, { 'tls.crt': '-----BEGIN CERTIFICATE-----\nx' }),
    'serving corrupt',
  ],
  ['corrupt PEM of the CA', () => live.putSecret(CA, { 'ca.crt': 'x' }), 'authority corrupt'],
  [
    'wrong key of the leaf',
    async () => live.putSecret(TLS, { 'tls.key': (await newAuthority('CN=a')).key }),
    'serving key-mismatch',
  ],
  [
    'wrong key of the CA',
    async () => live.putSecret(CA, { 'ca.key': (await newAuthority('CN=a')).key }),
    'authority key-mismatch',
  ],
  ['wrong names', () => live.putLeaf({ names: ['other.svc'] }), 'serving wrong-names'],
  ['bundle emptied', () => live.setBundles(''), 'bundle incomplete'],
  ['foreign bundle', async () => live.setBundles((await newAuthority('CN=corp')).certificate), 'bundle incomplete'],
  [
    'configuration applied again',
    () => live.removeConfiguration().then(() => live.applyConfiguration()),
    'bundle incomplete',
  ],
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
    await Promise.all([live.removeConfiguration(), live.removeSecrets(CA, TLS)]);
    const controller = start();
    await until(() => changes.includes('serving missing'), 'both Secrets');
    expect(await live.findFaults()).toBe('no configuration');
    await live.applyConfiguration();
    await untilHealthy();
    expect(controller.problem).toBeUndefined();
  });

  test.each([
    ['an hour back', -HOUR_MS, '60 minutes behind'],
    ['30 days forward', 30 * DAY_MS, '43200 minutes ahead of'],
  ])('P2 a clock %s: nothing is changed, and the problem has the difference', async (_, skewMs, words) => {
    const before = await Promise.all([live.text(TLS, 'tls.crt'), live.text(CA, 'ca.crt')]);
    const controller = start(fastClock(skewMs));
    await until(() => controller.problem !== undefined, 'the problem');
    expect(controller.problem).toContain(words);
    expect([changes, await live.text(TLS, 'tls.crt'), await live.text(CA, 'ca.crt')]).toEqual([[], ...before]);
  });

  test("P2 another manager's Secret: nothing is changed until it is deleted", async () => {
    await live.putSecret(TLS, {}, { annotations: { 'cert-manager.io/certificate-name': 'x' } });
    await live.setBundles('');
    const controller = start();
    await until(() => controller.problem !== undefined, 'the problem');
    expect([changes, await live.findFaults()]).toEqual([[], 'not trusted']);
    expect(events).toMatchObject([{ reason: 'CertificateFailed' }]);
    await live.removeSecrets(TLS);
    await untilHealthy();
    await until(() => controller.problem === undefined, 'the end of the problem');
  });

  test('P2 a LIST of pods that is refused: a due certificate is renewed, although no replica can lead', async () => {
    const roleOf = (verbs: string): Promise<string> => {
      const patch = `--patch=[{"op":"replace","path":"/rules/0/verbs","value":${verbs}}]`;
      return live.kubectl('patch', 'clusterrole', 'archpolicy-operator', '--type=json', patch);
    };
    await roleOf('["get"]');
    await live.putLeaf({ validity: period(-5 * DAY_MS, 2 * DAY_MS) });
    const before = await live.text(TLS, 'tls.crt');
    const directory = await mkdtemp(join(tmpdir(), 'archpolicy-certificates-'));
    await writeFile(join(directory, 'kubeconfig'), await live.operatorKubeconfig());
    const env = {
      ARCHPOLICY_KUBECONFIG: join(directory, 'kubeconfig'),
      ARCHPOLICY_METRICS_ADDRESS: `127.0.0.1:${await freePort()}`,
      ARCHPOLICY_LOG_LEVEL: 'error',
    };
    const operator = runOperator({ env, signal: end.signal, clock: systemClock() });
    await waitFor(async () => (await live.text(TLS, 'tls.crt')) !== before, { timeoutMs: 30_000, what: 'a renewal' });
    await untilHealthy();
    end.abort();
    await operator;
    await Promise.all([roleOf('["get","list","watch"]'), rm(directory, { recursive: true })]);
  });

  test('P2 both Secrets deleted under pods that are created: the API server trusts the webhook at each call', async () => {
    const webhook = new ReviewServer();
    server = webhook;
    const url = await webhook.start();
    const patch = [0, 1].map((index) => ({ op: 'replace', path: `/webhooks/${index}/clientConfig`, value: { url } }));
    await live.kubectl(
      'patch',
      'mutatingwebhookconfiguration',
      'archpolicy',
      '--type=json',
      `--patch=${JSON.stringify(patch)}`,
    );
    await output(cluster.kubectl, ['create', 'serviceaccount', 'default']);
    // The waits are those of the product.
    start(systemClock());
    const load = async (): Promise<boolean> =>
      webhook.load({ cert: await live.text(TLS, 'tls.crt'), key: await live.text(TLS, 'tls.key') });
    // The first certificate may be the one of before, without the address of this server.
    const isCalled = async (): Promise<boolean> => {
      await load();
      await live.createPod();
      return webhook.reviews > 0;
    };
    await waitFor(isCalled, { timeoutMs: 30_000, what: 'the first review' });
    const [reviewsBefore, failOpenBefore] = [webhook.reviews, await live.readFailOpen()];
    await live.removeSecrets(CA, TLS);
    // A change of the configuration is noticed within 5 s.
    await live.kubectl('annotate', 'mutatingwebhookconfiguration', 'archpolicy', 'a=b');
    let created = 0;
    const until = Date.now() + 40_000;
    for (let after = 0; after < 40 && Date.now() < until; created += 1) {
      await live.createPod();
      if (after > 0 || (await load())) after += 1;
    }
    expect(changes).toContain('authority missing');
    expect(await live.readFailOpen()).toBe(failOpenBefore);
    expect(webhook.reviews - reviewsBefore).toBe(created);
  });
});
