import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority, FakeClock } from '@archpolicy/testkit';
import type { CertificateAuthority, CertificatePair } from '@archpolicy/testkit';
import { ApiClient } from './api-client.ts';
import { KubeConfigCredentials } from './kube-config.ts';

const MINUTE_MS = 60_000;
const signal = new AbortController().signal;

let directory: string;
let server: Server;
let authority: CertificateAuthority;
let clientPair: CertificatePair;
let clock: FakeClock;
let client: ApiClient;

/** Returns the credentials that the server received, or the error status. */
const caller = async (): Promise<unknown> => {
  const answer = await client.request({ method: 'GET', path: '/whoami', signal });
  return answer.kind === 'ok' ? answer.body : answer.status;
};

/** Returns the common name of the client certificate; undefined without one. */
function getCommonName(socket: Socket): unknown {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerCertificate();
  return 'subject' in certificate ? certificate.subject.CN : undefined;
}

const file = (): string => join(directory, 'config');

async function writeConfig(user: object, cluster: object = {}): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const encoded = Buffer.from(authority.certificate).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'me' } }],
    clusters: [
      {
        name: 'test',
        cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': encoded, ...cluster },
      },
    ],
    users: [{ name: 'me', user }],
  };
  await writeFile(file(), JSON.stringify(config));
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  authority = await createCertificateAuthority();
  const serverPair = await authority.issue();
  clientPair = await authority.issue({ commonName: 'archpolicy-operator' });
  const { certificate: cert, key } = serverPair;
  server = createServer(
    { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const certificate = getCommonName(request.socket);
      const { authorization, 'impersonate-user': impersonated } = request.headers;
      response.setHeader('content-type', 'application/json');
      response.statusCode = authorization === 'Bearer stale' ? 401 : 200;
      response.end(JSON.stringify({ authorization, impersonated, certificate }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  clock = new FakeClock();
  client = new ApiClient({
    credentials: new KubeConfigCredentials({ file: file() }, clock),
    clock,
    userAgent: 'test/0',
  });
});

afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(directory, { recursive: true });
});

describe('a kubeconfig', () => {
  test('P5 of the pod, outside a pod, is rejected with the variables that are missing', async () => {
    // eslint-disable-next-line no-restricted-properties -- `KubeConfig` reads the variables of a pod itself
    delete process.env['KUBERNETES_SERVICE_HOST'];
    await expect(new KubeConfigCredentials('in-cluster', clock).read()).rejects.toMatchObject({
      code: 'BadConfig',
      message: expect.stringContaining('KUBERNETES_SERVICE_HOST') as unknown,
    });
  });

  test('authenticates with a token', async () => {
    await writeConfig({ token: 'abc' });
    expect(await caller()).toEqual({ authorization: 'Bearer abc' });
  });

  test('authenticates with a client certificate in files of its directory', async () => {
    await writeFile(join(directory, 'tls.crt'), clientPair.certificate);
    await writeFile(join(directory, 'tls.key'), clientPair.key);
    await writeConfig({ 'client-certificate': 'tls.crt', 'client-key': 'tls.key' });
    expect(await caller()).toEqual({ certificate: 'archpolicy-operator' });
  });

  test('prefers a token file to a token, and follows its rotation', async () => {
    await writeFile(join(directory, 'token'), 'first\n');
    await writeConfig({ tokenFile: 'token', token: 'abc', as: 'impersonated' });
    expect(await caller()).toEqual({ authorization: 'Bearer first', impersonated: 'impersonated' });
    await writeFile(join(directory, 'token'), 'second\n');
    await clock.advance(MINUTE_MS);
    expect(await caller()).toEqual({ authorization: 'Bearer second', impersonated: 'impersonated' });
  });

  test('uses its own token file beside another kubeconfig of the process', async () => {
    await writeFile(join(directory, 'mine'), 'mine');
    await writeFile(join(directory, 'other'), 'other');
    await writeConfig({ tokenFile: join(directory, 'other') });
    await new KubeConfigCredentials({ file: file() }, clock).read();
    await writeConfig({ tokenFile: join(directory, 'mine') });
    expect(await caller()).toEqual({ authorization: 'Bearer mine' });
  });

  test('impersonates a user', async () => {
    await writeConfig({ token: 'abc', as: 'impersonated' });
    expect(await caller()).toEqual({ authorization: 'Bearer abc', impersonated: 'impersonated' });
  });

  test('authenticates with a password', async () => {
    await writeConfig({ username: 'me', password: 'secret' });
    expect(await caller()).toEqual({ authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` });
  });

  test('runs an exec plugin once while its token is valid', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-plugin' },
    };
    const script = `require('node:fs').appendFileSync(${JSON.stringify(join(directory, 'runs'))}, 'x'); console.log(${JSON.stringify(JSON.stringify(credential))})`;
    await writeConfig({ exec: { apiVersion: credential.apiVersion, command: process.execPath, args: ['-e', script] } });
    expect(await caller()).toEqual({ authorization: 'Bearer from-plugin' });
    await clock.advance(2 * MINUTE_MS);
    expect(await caller()).toEqual({ authorization: 'Bearer from-plugin' });
    const { readFile } = await import('node:fs/promises');
    expect(await readFile(join(directory, 'runs'), 'utf8')).toBe('x');
  });

  test('is reloaded every minute, so that a rotated token takes effect', async () => {
    await writeConfig({ token: 'first' });
    expect(await caller()).toEqual({ authorization: 'Bearer first' });
    await writeConfig({ token: 'second' });
    await clock.advance(MINUTE_MS - 1);
    expect(await caller()).toEqual({ authorization: 'Bearer first' });
    await clock.advance(1);
    expect(await caller()).toEqual({ authorization: 'Bearer second' });
  });

  test('is reloaded 1 s after a 401', async () => {
    await writeConfig({ token: 'stale' });
    expect(await caller()).toBe(401);
    await writeConfig({ token: 'fresh' });
    await clock.advance(1_000);
    expect(await caller()).toEqual({ authorization: 'Bearer fresh' });
  });

  test('uses a rotated client certificate for new connections', async () => {
    const user = (pair: CertificatePair): object => ({
      'client-certificate-data': Buffer.from(pair.certificate).toString('base64'),
      'client-key-data': Buffer.from(pair.key).toString('base64'),
    });
    await writeConfig(user(clientPair));
    expect(await caller()).toEqual({ certificate: 'archpolicy-operator' });
    await writeConfig(user(await authority.issue({ commonName: 'rotated' })));
    await clock.advance(MINUTE_MS);
    expect(await caller()).toEqual({ certificate: 'rotated' });
  });

  test('with another authority rejects the server', async () => {
    const other = await createCertificateAuthority('another');
    await writeConfig(
      { token: 'abc' },
      { 'certificate-authority-data': Buffer.from(other.certificate).toString('base64') },
    );
    await expect(caller()).rejects.toMatchObject({ code: 'Network' });
  });

  test('rejects a server with another name, unless tls-server-name allows it', async () => {
    await writeConfig({ token: 'abc' }, { 'tls-server-name': 'elsewhere.example' });
    await expect(caller()).rejects.toMatchObject({ code: 'Network' });
    await writeConfig({ token: 'abc' }, { 'tls-server-name': 'localhost' });
    await clock.advance(MINUTE_MS);
    expect(await caller()).toEqual({ authorization: 'Bearer abc' });
  });

  test('for plain http states the setting that it requires', async () => {
    await writeConfig({}, { server: 'http://127.0.0.1:1' });
    await expect(caller()).rejects.toMatchObject({
      code: 'BadConfig',
      message: 'the server of the kubeconfig uses http: this requires insecure-skip-tls-verify: true',
    });
  });

  test.each<[string, () => Promise<void>]>([
    ['missing', () => Promise.resolve()],
    ['not YAML', () => writeFile(file(), '{{{')],
    ['without a cluster', () => writeFile(file(), '{"clusters": [], "contexts": [], "users": []}')],
    ['with a missing token file', () => writeConfig({ tokenFile: 'nowhere' })],
    [
      'with an empty token file',
      () => writeFile(join(directory, 'token'), '').then(() => writeConfig({ tokenFile: 'token' })),
    ],
    ['with a proxy (unsupported)', () => writeConfig({}, { 'proxy-url': 'http://127.0.0.1:1' })],
  ])('%s: throws BadConfig and reads it again at the next call', async (_, write) => {
    await write();
    await expect(caller()).rejects.toMatchObject({ name: 'KubeError', code: 'BadConfig' });
    await writeConfig({ token: 'repaired' });
    expect(await caller()).toEqual({ authorization: 'Bearer repaired' });
  });
});
