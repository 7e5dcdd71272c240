import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect as show } from 'node:util';
import { ApiClient, fixedCredentials, KubeConfigCredentials } from '@archpolicy/kube';
import { createInspector, NO_METRICS, readRegistriesFile, WatchedRegistries } from '@archpolicy/registry';
import type { RegistryMetrics } from '@archpolicy/registry';
import { openRegistries } from '@archpolicy/process';
import { createLogger, readConfig } from '@archpolicy/service';
import { FakeClock, listEncodings } from '@archpolicy/testkit';
import { variables } from './config.ts';
import { certificateFiles } from './tls/certificate-files.ts';
import { CertificateWatch } from './tls/certificate-watch.ts';

/** The secret in each broken text. No output may contain it in any form. */
const CANARY = 'Marker7Q';

/** Texts with a syntax error at a secret. */
const BROKEN: readonly (readonly [what: string, text: string])[] = [
  ['a missing closing brace', `env: [{name: SECRET, value: ${CANARY}]\nother: {}\n`],
  ['a missing opening brace', `env:\n  - name: SECRET, value: ${CANARY}}\n`],
  ['a missing colon', `env: {value ${CANARY}: {a: b}\n`],
  ['a missing quote', `password: "${CANARY}\nhost: a\n`],
  ['text after a quote', `password: "a" ${CANARY}\n`],
  ['a tab', `password:\n\t${CANARY}: x\n`],
  ['a secret that begins with a star', `password: *${CANARY}\n`],
  ['a secret that begins with an exclamation mark', `password: !${CANARY} x\nregistries: 7\n`],
  ['a duplicate key', `${CANARY}: 1\n${CANARY}: 2\n`],
  ['a secret as a key', `registries: [{host: a.example, ${CANARY}}]\n${CANARY}: 1\n`],
  ['only a secret', `${CANARY}\n`],
  ['JSON with a missing comma', `{"password": "${CANARY}" "host": "a"}`],
  ['JSON with a missing quote', `{"password": ${CANARY}}`],
  ['truncated JSON', `{"password": "${CANARY}`],
  ['a binary secret', `password: \u0000${CANARY}\u0007\n`],
];

let directory: string;
let lines: string[];
let counted: unknown[];
let clock: FakeClock;
/** Warnings that libraries print on stderr. */
let warned: unknown[];
let restoreWarnings: () => void;
const path = (name: string): string => join(directory, name);
const note = (...what: readonly unknown[]): void => void counted.push(what);
const metrics: RegistryMetrics = { ...NO_METRICS, inspection: note, request: note, registriesFile: note };
const logger = createLogger({ name: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-broken-'));
  lines = [];
  counted = [];
  clock = new FakeClock();
  warned = [];
  const spy = jest.spyOn(process, 'emitWarning').mockImplementation((warning) => void warned.push(warning));
  restoreWarnings = () => {
    spy.mockRestore();
  };
});

afterEach(async () => {
  restoreWarnings();
  await rm(directory, { recursive: true });
});

/** Expects no secret in the errors with their causes, logged or printed, nor in logs, metrics and warnings. */
function expectNoCanary(...errors: readonly unknown[]): void {
  for (const err of errors) logger.error({ err }, 'process failed');
  const shown = show([errors, counted, warned], { depth: 20, showHidden: true, maxStringLength: null });
  for (const form of listEncodings(CANARY)) expect(`${shown}\n${lines.join('')}`).not.toContain(form);
}

async function catchError(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Reads a broken registries file at start, and as a replacement of a good one. */
async function readBroken(breakIt: () => Promise<void>): Promise<void> {
  const good = 'registries: [{host: a.example, blocked: true}]';
  await writeFile(path('registries.yaml'), good);
  const watched = await WatchedRegistries.open({ path: path('registries.yaml'), clock, logger, metrics });
  await breakIt();
  await watched.reload();
  const file = path('registries.yaml');
  const config = { ...readConfig(variables, {}), registriesFile: file };
  expectNoCanary(
    await catchError(() => readRegistriesFile(file)),
    await catchError(() => openRegistries(config, { clock, logger, metrics })),
  );
  expect(watched.current().entryFor('a.example')?.blocked).toBe(true);
  expect(lines.join('')).toContain('registries file rejected, using the last valid one');
}

describe('P5 no secret of a broken text is printed', () => {
  test.each(BROKEN)('P5 registries file: %s', async (_, text) => {
    await readBroken(() => writeFile(path('registries.yaml'), text));
  });

  test.each(BROKEN)('P5 configuration of credential providers: %s', async (_, text) => {
    await writeFile(path('providers.yaml'), text);
    const file = `credentialProviders: {configFile: ${path('providers.yaml')}, binDirectory: /nowhere}`;
    await readBroken(() => writeFile(path('registries.yaml'), file));
  });

  test.each(BROKEN)('P5 P2 kubeconfig: %s', async (_, text) => {
    const logged: object[] = [];
    const logger = { warn: (fields: object, message: string) => logged.push({ ...fields, message }) };
    const credentials = new KubeConfigCredentials({ file: path('kubeconfig') }, clock, logger);
    await writeFile(path('kubeconfig'), kubeconfig({ token: 'good' }));
    const good = await credentials.read();
    await writeFile(path('kubeconfig'), text);
    await clock.advance(60_000);
    expect(await credentials.read()).toEqual(good);
    expect(logged).toMatchObject([{ message: 'kubeconfig partly unusable, keeping the previous credentials' }]);
    expect(JSON.stringify(logged)).not.toContain(CANARY);
    const atStart = await catchError(() => new KubeConfigCredentials({ file: path('kubeconfig') }, clock).read());
    expect(atStart).toMatchObject({ code: 'BadConfig' });
    expectNoCanary(atStart);
  });

  test.each<[string, object]>([
    ['prints invalid JSON', { exec: exec(`echo '{"status": {"token": "${CANARY}"'`) }],
    ['fails and prints on stderr', { exec: exec(`echo ${CANARY} >&2; exit 1`) }],
    [
      'prints a token that is invalid in a header',
      { exec: exec(`printf '{"status": {"token": "%s\\\\n%s"}}' a ${CANARY}`) },
    ],
  ])('P5 a kubeconfig whose exec plugin %s', async (_, user) => {
    await writeFile(path('kubeconfig'), kubeconfig(user));
    const credentials = new KubeConfigCredentials({ file: path('kubeconfig') }, clock);
    expectNoCanary(await catchError(() => requestWith(credentials)));
  });

  test.each<[string, object]>([
    ['a token that is invalid in a header', { token: `a\n${CANARY}` }],
    ['a broken key', { 'client-certificate-data': pem('CERTIFICATE'), 'client-key-data': pem('PRIVATE KEY') }],
  ])('P5 a kubeconfig with %s', async (_, user) => {
    await writeFile(path('kubeconfig'), kubeconfig(user));
    const credentials = new KubeConfigCredentials({ file: path('kubeconfig') }, clock);
    expectNoCanary(await catchError(() => requestWith(credentials)));
  });

  test('P5 a kubeconfig whose server is not a URL', async () => {
    await writeFile(path('kubeconfig'), kubeconfig({}, `https://user:${CANARY}@host:port`));
    const failure = await catchError(() => new KubeConfigCredentials({ file: path('kubeconfig') }, clock).read());
    expect(failure).toMatchObject({ code: 'BadConfig' });
    expectNoCanary(failure);
  });

  test.each<[string, object]>([
    ['a docker config', { credentialsFile: `{"auths": {"127.0.0.1:1": {"auth": "${CANARY}"` }],
    ['a docker config that is not JSON', { credentialsFile: CANARY }],
    ['a CA bundle', { caFile: pemText('CERTIFICATE') }],
    ['a client certificate and key', { certFile: pemText('CERTIFICATE'), keyFile: pemText('PRIVATE KEY') }],
  ])('P5 a registries file that names a broken file: %s', async (_, files) => {
    for (const [name, text] of Object.entries(files)) await writeFile(path(name), text as string);
    const entry = {
      host: '127.0.0.1:1',
      allowAddresses: ['127.0.0.0/8'],
      ...('credentialsFile' in files && { credentialsFile: path('credentialsFile') }),
      ...('caFile' in files && { caFile: path('caFile') }),
      ...('keyFile' in files && { clientCertificate: { certFile: path('certFile'), keyFile: path('keyFile') } }),
    };
    await writeFile(path('registries.yaml'), JSON.stringify({ registries: [entry] }));
    const real = { now: () => Date.now(), monotonic: () => performance.now(), sleep: pause };
    const registries = await WatchedRegistries.open({ path: path('registries.yaml'), clock: real, logger, metrics });
    const inspector = createInspector({ clock: real, logger, metrics, registries });
    note(await inspector.inspect({ reference: '127.0.0.1:1/app:v1', budgetMs: 5_000 }));
    await inspector.close();
    expect(counted.length).toBeGreaterThan(0);
    expectNoCanary();
  });

  test.each([
    ['tls.crt', pemText('CERTIFICATE')],
    ['tls.key', pemText('PRIVATE KEY')],
  ])('P5 a broken %s of the webhook', async (name, text) => {
    await writeFile(path('tls.crt'), '');
    await writeFile(path('tls.key'), '');
    await writeFile(path(name), text);
    const serverName = 'archpolicy-webhook.archpolicy-system.svc';
    const source = certificateFiles(directory, serverName);
    const watch = new CertificateWatch({ source, serverName, clock, logger, onCertificate: () => undefined });
    await watch.poll();
    expect(lines.join('')).toContain('failed to load certificate, waiting for a valid one');
    note(watch.check());
    expectNoCanary();
  });

  test.each([
    ['a truncated response', '/api/v1/namespaces/shop/secrets/pull', `{"data": {".dockercfg": "${CANARY}`],
    ['a response that is not JSON', '/api/v1/namespaces/shop/secrets/pull', `token ${CANARY}`],
  ])('P5 %s of the API server', async (_, url, text) => {
    const server = await answering(text);
    const client = createClient(server);
    const failure = await catchError(() =>
      client.request({ method: 'GET', path: url, signal: AbortSignal.timeout(5_000) }),
    );
    await client.close();
    await closed(server);
    expect(failure).toMatchObject({ code: 'Malformed' });
    expectNoCanary(failure);
  });

  test.each([
    ['ARCHPOLICY_REDIS_URL', `redis:/${CANARY}`],
    ['ARCHPOLICY_CACHE_KEY', CANARY],
  ])('P5 a broken %s', async (name, text) => {
    const failure = await catchError(async () => Promise.resolve(readConfig(variables, { [name]: text })));
    expect(failure).toMatchObject({ variable: name });
    expectNoCanary(failure);
  });

  test.each(BROKEN)('P5 a logged error of a parser: %s', (_, text) => {
    let failure: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      failure = error;
    }
    logger.error({ err: failure }, 'm');
    logger.error({ err: new Error('outer', { cause: failure }) }, 'm');
    logger.child({ err: failure }).info({}, 'm');
    expectNoCanary();
  });
});

function kubeconfig(user: object, server = 'https://127.0.0.1:1'): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

function exec(script: string): object {
  return { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] };
}

function pemText(label: string): string {
  return `-----BEGIN ${label}-----\n${CANARY}\n-----END ${label}-----\n`;
}

function pem(label: string): string {
  return Buffer.from(pemText(label)).toString('base64');
}

async function requestWith(credentials: KubeConfigCredentials): Promise<void> {
  const client = new ApiClient({ credentials, clock, userAgent: 'test/0' });
  try {
    await client.request({ method: 'GET', path: '/version', signal: AbortSignal.timeout(5_000) });
  } finally {
    await client.close();
  }
}

async function answering(text: string): Promise<Server> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function createClient(server: Server): ApiClient {
  const { port } = server.address() as AddressInfo;
  const credentials = fixedCredentials({ server: `http://127.0.0.1:${port}`, tls: {}, headers: {} });
  return new ApiClient({ credentials, clock, userAgent: 'test/0' });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}
