import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCertificateAuthority, FakeClock } from '@archpolicy/testkit';
import type { CertificateAuthority, LeafOptions } from '@archpolicy/testkit';
import { ApiClient } from './api-client.ts';
import { KubeConfigCredentials } from './kube-config.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;

/** The files in the kubeconfig's directory. */
interface Files {
  readonly ca: string;
  readonly crt: string;
  readonly key: string;
  readonly token: string;
}

let directory: string;
let server: Server;
let authority: CertificateAuthority;
let good: Files;
let clock: FakeClock;
let credentials: KubeConfigCredentials;
let logged: object[];

const filesFor = async (commonName: string, options: LeafOptions = {}): Promise<Files> => {
  const { certificate, key } = await authority.issue({ commonName, ...options });
  return { ca: `${authority.certificate}\n`, crt: certificate, key, token: commonName };
};

const write = async (files: Partial<Files>): Promise<void> => {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
};

/** Sends a request over a new connection. Returns the credentials that the server received. */
const caller = async (): Promise<unknown> => {
  const client = new ApiClient({ credentials, clock, userAgent: 'test/0' });
  try {
    const answer = await client.request({ method: 'GET', path: '/whoami', signal });
    return answer.kind === 'ok' ? answer.body : answer.status;
  } finally {
    await client.close();
  }
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  authority = await createCertificateAuthority();
  const { certificate: cert, key } = await authority.issue();
  server = createServer(
    { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false },
    ({ socket, headers }, response) => {
      const peer = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
      const certificate = peer !== undefined && 'subject' in peer ? peer.subject.CN : 'none';
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ certificate, token: headers.authorization?.slice('Bearer '.length) }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'me' } }],
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
          'certificate-authority': 'ca',
        },
      },
    ],
    users: [{ name: 'me', user: { 'client-certificate': 'crt', 'client-key': 'key', tokenFile: 'token' } }],
  };
  await writeFile(join(directory, 'config'), JSON.stringify(config));
  good = await filesFor('first');
  clock = new FakeClock(Date.now());
  logged = [];
  const logger = { warn: (fields: object, message: string): void => void logged.push({ message, ...fields }) };
  credentials = new KubeConfigCredentials({ file: join(directory, 'config') }, clock, logger);
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(directory, { recursive: true });
});

const encrypted = (pem: string): string =>
  createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
const pair = async (options: LeafOptions): Promise<Partial<Files>> => {
  const { crt, key } = await filesFor('next', options);
  return { crt, key };
};

type Change = () => Promise<Partial<Files>>;

/** Files that OpenSSL rejects, or ignores: it would trust the system's authorities, or send no certificate. */
const UNUSABLE: readonly [string, Change, string][] = [
  ['an empty CA bundle', () => Promise.resolve({ ca: '' }), 'certificate-authority contains no PEM certificate'],
  [
    'a CA bundle with a broken second block',
    () => Promise.resolve({ ca: good.ca + good.ca.replace(/\nM/u, '\n!') }),
    'certificate 2 in certificate-authority cannot be parsed',
  ],
  ['an empty certificate', () => Promise.resolve({ crt: '' }), 'client-certificate contains no PEM certificate'],
  [
    'a certificate with a broken second block',
    () => Promise.resolve({ crt: good.crt + good.crt.replace(/\nM/u, '\n!') }),
    'certificate 2 in client-certificate cannot be parsed',
  ],
  ['an encrypted key', () => Promise.resolve({ key: encrypted(good.key) }), 'client-key is encrypted'],
  ['an empty key', () => Promise.resolve({ key: '' }), 'client-key contains no PEM private key'],
  [
    'a key of another certificate',
    async () => ({ key: (await authority.issue()).key }),
    'client-key is not the key of the first certificate in client-certificate',
  ],
  [
    'a 1024-bit RSA key',
    () => pair({ keyType: 'RSA-1024' }),
    'client-certificate and client-key are rejected by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)',
  ],
];

/** Usable, but worse than the credentials in use. */
const WORSE: readonly [string, Change, string][] = [
  [
    'a client certificate that is not valid yet',
    () => pair({ notBefore: new Date(clock.now() + HOUR_MS) }),
    'client-certificate is not valid yet',
  ],
  [
    'a client certificate that has expired',
    () => pair({ notAfter: new Date(clock.now() - HOUR_MS) }),
    'client-certificate has expired',
  ],
];

describe('a reloaded kubeconfig', () => {
  test.each([...UNUSABLE, ...WORSE])(
    'P2 with %s keeps the one in use and applies the rest',
    async (_, change, problem) => {
      await write(good);
      expect(await caller()).toEqual({ certificate: 'first', token: 'first' });
      await write({ ...(await change()), token: 'rotated' });
      await clock.advance(MINUTE_MS);
      expect(await caller()).toEqual({ certificate: 'first', token: 'rotated' });
      await clock.advance(MINUTE_MS);
      expect(await caller()).toEqual({ certificate: 'first', token: 'rotated' });
      expect(logged).toEqual([
        { message: 'kubeconfig partly unusable, keeping the previous credentials', problems: [problem] },
      ]);

      await write(await filesFor('second'));
      await clock.advance(MINUTE_MS);
      expect(await caller()).toEqual({ certificate: 'second', token: 'second' });
    },
  );

  test.each<[string, () => Promise<void>, string]>([
    ['a certificate is missing', () => rm(join(directory, 'crt')), 'the kubeconfig cannot be used'],
    [
      'it is not YAML',
      () => writeFile(join(directory, 'config'), '{{{'),
      'the kubeconfig cannot be used: syntax error at line 1, column 4',
    ],
    ['the token is empty', () => writeFile(join(directory, 'token'), ''), 'the token file of the kubeconfig is empty'],
  ])('P2 keeps the previous credentials while %s', async (_, damage, problem) => {
    await write(good);
    expect(await caller()).toEqual({ certificate: 'first', token: 'first' });
    await damage();
    await clock.advance(MINUTE_MS);
    expect(await caller()).toEqual({ certificate: 'first', token: 'first' });
    expect(logged).toMatchObject([{ problems: [problem] }]);
  });

  test.each(UNUSABLE)('P2 throws an error that names %s, until it is fixed', async (...row) => {
    const [, change, problem] = row;
    await write({ ...good, ...(await change()) });
    await expect(caller()).rejects.toMatchObject({
      code: 'BadConfig',
      message: `the kubeconfig cannot be used: ${problem}`,
    });
    await write(good);
    expect(await caller()).toEqual({ certificate: 'first', token: 'first' });
  });

  test('P2 uses a client certificate once it becomes valid', async () => {
    await write(good);
    await caller();
    // The server uses the system clock, but accepts any certificate.
    await write(await pair({ notBefore: new Date(clock.now() + HOUR_MS / 2) }));
    await clock.advance(MINUTE_MS);
    expect(await caller()).toMatchObject({ certificate: 'first' });
    await clock.advance(HOUR_MS / 2);
    expect(await caller()).toMatchObject({ certificate: 'next' });
  });
});
