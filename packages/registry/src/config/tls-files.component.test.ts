import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { Inspection } from '@archpolicy/core';
import { createCertificateAuthority, multiPlatformImage } from '@archpolicy/testkit';
import type { CertificateAuthority } from '@archpolicy/testkit';
import { createInspector } from '../create-inspector.ts';
import { NO_METRICS } from '../metrics.ts';
import { NO_LOGGER } from '../logger.ts';
import { WatchedRegistries } from './watched-registries.ts';

const DAY_MS = 86_400_000;
const image = multiPlatformImage(['linux/amd64']);

interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

let authority: CertificateAuthority;
let directory: string;
let server: Server;
let host: string;
let good: Files;
/** Common names of the client certificates that the server received. */
let callers: string[];
let nowMs: number;
let outcomes: string[];
let logged: { readonly message: string; readonly problems?: readonly object[] }[];

const clock = {
  now: () => nowMs,
  monotonic: () => 0,
  sleep: () => Promise.reject(new Error('unexpected sleep')),
};

beforeEach(async () => {
  authority = await createCertificateAuthority();
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-tls-files-'));
  [callers, outcomes, logged, nowMs] = [[], [], [], Date.now()];
  const leaf = await authority.issue();
  const { body, mediaType } = image.manifest;
  server = createServer(
    { cert: leaf.certificate, key: leaf.key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
    ({ socket }, response) => {
      if (socket instanceof TLSSocket) callers.push(String(socket.getPeerCertificate().subject.CN));
      response.writeHead(200, { 'content-type': mediaType }).end(body);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `localhost:${(server.address() as AddressInfo).port}`;
  good = await filesFor('first');
  await writeFile(
    join(directory, 'registries.yaml'),
    `registries: [{host: "${host}", allowAddresses: [127.0.0.0/8], caFile: ${directory}/ca,
      clientCertificate: {certFile: ${directory}/cert, keyFile: ${directory}/key}}, {host: a.example}]`,
  );
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

async function filesFor(commonName: string, options: object = {}): Promise<Files> {
  const { certificate, key } = await authority.issue({ commonName, ...options });
  return { ca: `${authority.certificate}\n`, cert: certificate, key };
}

async function write(files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text as string);
}

function open(): Promise<WatchedRegistries> {
  const log = (fields: { readonly problems?: readonly object[] }, message: string): void =>
    void logged.push({ message, ...fields });
  return WatchedRegistries.open({
    path: join(directory, 'registries.yaml'),
    clock,
    logger: { ...NO_LOGGER, error: log },
    metrics: { ...NO_METRICS, registriesFile: ({ outcome }) => void outcomes.push(outcome) },
  });
}

/** Inspects over a new connection, with empty caches. */
async function inspect(registries: WatchedRegistries): Promise<Inspection> {
  const inspector = createInspector({ clock, registries });
  try {
    return await inspector.inspect({ reference: `${host}/app:v1`, pullSecrets: [], budgetMs: 5_000 });
  } finally {
    await inspector.close();
  }
}

const encrypted = (pem: string): string =>
  createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();

type Change = () => Promise<Partial<Files>>;

/** Files that OpenSSL rejects, and files that it ignores. */
const UNUSABLE: readonly [string, Change, string][] = [
  ['an empty CA bundle', () => Promise.resolve({ ca: '' }), 'caFile contains no PEM certificate'],
  ['a CA bundle that is plain text', () => Promise.resolve({ ca: 'garbage' }), 'caFile contains no PEM certificate'],
  [
    'a CA bundle with a broken second block',
    () => Promise.resolve({ ca: good.ca + good.ca.replace(/\nM/u, '\n!') }),
    'certificate 2 in caFile cannot be parsed',
  ],
  ['an empty certificate', () => Promise.resolve({ cert: '' }), 'certFile contains no PEM certificate'],
  [
    'a certificate with a broken second block',
    () => Promise.resolve({ cert: good.cert + good.cert.replace(/\nM/u, '\n!') }),
    'certificate 2 in certFile cannot be parsed',
  ],
  ['an empty key', () => Promise.resolve({ key: '' }), 'keyFile contains no PEM private key'],
  ['an encrypted key', () => Promise.resolve({ key: encrypted(good.key) }), 'keyFile is encrypted'],
  [
    'a key of another certificate',
    async () => ({ key: (await authority.issue()).key }),
    'keyFile is not the key of the first certificate in certFile',
  ],
  [
    'a 1024-bit RSA key',
    () => filesFor('weak', { keyType: 'RSA-1024' }),
    'certFile and keyFile are rejected by OpenSSL (ERR_SSL_EE_KEY_TOO_SMALL)',
  ],
];

/** Files that can be parsed, but that are less usable now than the files in use. */
const WORSE: readonly [string, Change, string][] = [
  [
    'a client certificate that is not valid yet',
    () => filesFor('early', { notBefore: new Date(nowMs + DAY_MS / 4) }),
    'certFile is not valid yet',
  ],
  [
    'a client certificate that has expired',
    () => filesFor('late', { notAfter: new Date(nowMs - 1_000) }),
    'certFile has expired',
  ],
];

const resolved = { kind: 'resolved', facts: { digest: image.manifest.digest } };

describe('I7 TLS files', () => {
  test.each([...UNUSABLE, ...WORSE])('I7 a reload with %s keeps the previous files', async (_, change, problem) => {
    await write(good);
    const registries = await open();
    await write({ ...good, ...(await change()) });
    await registries.reload();
    await registries.reload();
    expect(await inspect(registries)).toMatchObject(resolved);
    expect(callers).toEqual(['first']);
    expect(outcomes).toEqual(['refused', 'refused']);
    expect(logged).toEqual([
      {
        message: 'registry TLS files not used',
        path: join(directory, 'registries.yaml'),
        problems: [{ host, problem, effect: 'PreviousFilesUsed' }],
      },
    ]);

    await write(await filesFor('second'));
    await registries.reload();
    expect(await inspect(registries)).toMatchObject(resolved);
    expect(callers).toEqual(['first', 'second']);
    expect(outcomes.at(-1)).toBe('loaded');
  });

  test.each(UNUSABLE)('I7 a start with %s makes only that host unreachable', async (_, change, problem) => {
    await write({ ...good, ...(await change()) });
    const registries = await open();
    expect(await inspect(registries)).toMatchObject({ kind: 'unresolved', reason: 'Unavailable' });
    expect(callers).toEqual([]);
    expect(logged).toMatchObject([{ problems: [{ host, problem, effect: 'HostUnreachable' }] }]);
    expect(registries.current().entryFor('a.example')).toBeDefined();

    await write(good);
    await registries.reload();
    expect(await inspect(registries)).toMatchObject(resolved);
  });

  test('I7 with unusable TLS files, the rest of the file takes effect', async () => {
    await write(good);
    const registries = await open();
    await write({ ...good, ca: 'garbage' });
    const path = join(directory, 'registries.yaml');
    await writeFile(
      path,
      `registries: [{host: "${host}", allowAddresses: [127.0.0.0/8], caFile: ${directory}/ca,
        clientCertificate: {certFile: ${directory}/cert, keyFile: ${directory}/key}}, {host: a.example, blocked: true}]`,
    );
    await registries.reload();
    expect(registries.current().entryFor('a.example')?.blocked).toBe(true);
    expect(await inspect(registries)).toMatchObject(resolved);
  });

  test.each([
    ['once it is valid', DAY_MS / 4],
    ['once the current one has expired', DAY_MS / 2],
  ])('I7 a client certificate that is not valid yet is used %s', async (_, afterMs) => {
    // The server uses the machine's clock, by which both are valid.
    nowMs -= DAY_MS * 0.75;
    await write(await filesFor('first', { notAfter: new Date(nowMs + DAY_MS / 2 + DAY_MS) }));
    const registries = await open();
    await write(await filesFor('next', { notBefore: new Date(nowMs + DAY_MS / 4) }));
    await registries.reload();
    await inspect(registries);
    nowMs += afterMs;
    await registries.reload();
    await inspect(registries);
    expect(callers).toEqual(['first', 'next']);
  });
});
