import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection } from '@archpolicy/core';
import {
  basicAccess,
  createCertificateAuthority,
  dockerConfigJson,
  FakeRegistry,
  multiPlatformImage,
  singleImage,
} from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createInspector } from '../create-inspector.ts';
import { fixedRegistries, readRegistriesFile } from './registries-file.ts';
import { createManualClock } from '../fixtures/clocks.ts';

const clock = createManualClock();
const onUpstream = multiPlatformImage(['linux/amd64']);
const onMirror = multiPlatformImage(['linux/amd64'], 'mirrored');

let upstream: FakeRegistry;
let mirror: FakeRegistry;
let directory: string;

beforeEach(async () => {
  [upstream, mirror] = await Promise.all([new FakeRegistry().start(), new FakeRegistry().start()]);
  upstream.push('team/app', 'v1', onUpstream);
  mirror.push('proxy/team/app', 'v1', onMirror);
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-mirrors-'));
});

afterEach(async () => {
  await Promise.all([upstream.stop(), mirror.stop(), rm(directory, { recursive: true })]);
});

const secret = (user: string): PullSecret => ({
  type: 'kubernetes.io/dockerconfigjson',
  json: dockerConfigJson({ [upstream.host]: user }),
});

/** Inspects the image of upstream with a registries file of these entries. */
async function inspect(
  file: string,
  reference = `${upstream.host}/team/app:v1`,
  pullSecrets: readonly PullSecret[] = [],
): Promise<Inspection> {
  const path = join(directory, 'registries.yaml');
  await writeFile(path, file);
  const inspector = createInspector({ clock, registries: fixedRegistries(await readRegistriesFile(path)) });
  try {
    return await inspector.inspect({ reference, pullSecrets, budgetMs: 5_000 });
  } finally {
    await inspector.close();
  }
}

const entries = (more = ''): string => `registries:
  - {host: "${upstream.host}", plainHttp: true, allowAddresses: [127.0.0.0/8], mirrors: [{host: "${mirror.host}", rewrite: [{from: "", to: proxy}]}]}
  - {host: "${mirror.host}", plainHttp: true, allowAddresses: [127.0.0.0/8] ${more}}`;

const resolvedTo = (image: typeof onMirror): object => ({ kind: 'resolved', facts: { digest: image.manifest.digest } });

describe('I7 mirrors', () => {
  test('I7 a mirror gets the first request, with its own path and the name of the mirrored registry', async () => {
    expect(await inspect(entries())).toMatchObject(resolvedTo(onMirror));
    const ns = encodeURIComponent(upstream.host);
    expect(mirror.lines).toEqual([`GET /v2/proxy/team/app/manifests/v1?ns=${ns}`]);
    expect(upstream.lines).toEqual([]);
  });

  test('I7 the config blob of a mirror is read with the name of the mirrored registry; upstream gets no such name', async () => {
    const single = singleImage('linux/arm64');
    mirror.push('proxy/team/single', 'v1', single);
    upstream.push('team/other', 'v1', onUpstream);
    const ns = encodeURIComponent(upstream.host);
    expect(await inspect(entries(), `${upstream.host}/team/single:v1`)).toMatchObject(resolvedTo(single));
    expect(mirror.lines[1]).toMatch(new RegExp(`^GET /v2/proxy/team/single/blobs/sha256:[0-9a-f]+\\?ns=${ns}$`));
    expect(await inspect(entries(), `${upstream.host}/team/other:v1`)).toMatchObject(resolvedTo(onUpstream));
    expect(upstream.lines).toEqual(['GET /v2/team/other/manifests/v1']);
  });

  test.each([
    ['does not have the image', { kind: 'answer', status: 404 }],
    ['rejects the request', { kind: 'answer', status: 403 }],
    ['has a rate limit', { kind: 'answer', status: 429 }],
    ['fails', { kind: 'answer', status: 502 }],
    ['resets the connection', { kind: 'reset' }],
    [
      'returns an invalid body',
      { kind: 'answer', status: 200, headers: { 'docker-content-digest': onMirror.manifest.digest }, body: 'rubbish' },
    ],
  ] as const)('I7 a mirror %s: the request goes to upstream', async (_, fault) => {
    mirror.fault = () => fault;
    expect(await inspect(entries())).toMatchObject(resolvedTo(onUpstream));
  });

  test('P5 upstream credentials never go to a mirror', async () => {
    mirror.access = basicAccess(['other:wrong']);
    upstream.access = basicAccess(['alice:pass']);
    expect(await inspect(entries(), undefined, [secret('alice:pass')])).toMatchObject(resolvedTo(onUpstream));
    expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test('I7 a mirror has its own credentials', async () => {
    const file = join(directory, 'mirror.json');
    await writeFile(file, dockerConfigJson({ [mirror.host]: 'mirror:pass', [upstream.host]: 'alice:pass' }));
    mirror.access = basicAccess(['mirror:pass']);
    expect(await inspect(entries(`, credentialsFile: ${file}`))).toMatchObject(resolvedTo(onMirror));
  });

  test('I5 I7 the order of credentials: the pod, the registries file, the docker config file', async () => {
    const [hostFile, globalFile] = [join(directory, 'host.json'), join(directory, 'all.json')];
    await writeFile(hostFile, dockerConfigJson({ [upstream.host]: 'host:pass' }));
    await writeFile(globalFile, dockerConfigJson({ [upstream.host]: 'all:pass' }));
    const file = `dockerConfigFile: ${globalFile}
registries: [{host: "${upstream.host}", plainHttp: true, allowAddresses: [127.0.0.0/8], credentialsFile: ${hostFile}}]`;
    upstream.access = basicAccess(['all:pass']);
    expect(await inspect(file, undefined, [secret('pod:pass')])).toMatchObject(resolvedTo(onUpstream));
    const tried = upstream.requests.map(({ headers }) => headers.authorization?.slice('Basic '.length) ?? '');
    expect(tried.map((text) => Buffer.from(text, 'base64').toString())).toEqual([
      '',
      'pod:pass',
      'host:pass',
      'all:pass',
    ]);
  });

  test('I7 a blocked registry and its mirrors get no request', async () => {
    const file = `registries: [{host: "${upstream.host}", blocked: true, mirrors: [{host: "${mirror.host}"}]}]`;
    expect(await inspect(file)).toEqual({ kind: 'unresolved', reason: 'Blocked' });
    expect([...upstream.lines, ...mirror.lines]).toEqual([]);
  });
});

describe('I7 TLS', () => {
  let server: Server;

  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
  });

  test('I7 a host needs its own CA bundle and client certificate', async () => {
    const ca = await createCertificateAuthority();
    const [leaf, client] = [await ca.issue({ commonName: 'localhost' }), await ca.issue({ commonName: 'client' })];
    const { body, mediaType } = onUpstream.manifest;
    server = createServer(
      { cert: leaf.certificate, key: leaf.key, ca: ca.certificate, requestCert: true, rejectUnauthorized: true },
      (_, response) => {
        response.writeHead(200, { 'content-type': mediaType }).end(body);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `localhost:${(server.address() as AddressInfo).port}`;
    const files = { ca: ca.certificate, cert: client.certificate, key: client.key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const file = (more: string): string => `registries: [{host: "${host}", allowAddresses: [127.0.0.0/8] ${more}}]`;
    const trust = `, caFile: ${directory}/ca`;
    const identity = `, clientCertificate: {certFile: ${directory}/cert, keyFile: ${directory}/key}`;
    expect(await inspect(file(trust + identity), `${host}/app:v1`)).toMatchObject(resolvedTo(onUpstream));
    expect(await inspect(file(trust), `${host}/app:v1`)).toMatchObject({ reason: 'Unavailable' });
    expect(await inspect(file(identity), `${host}/app:v1`)).toMatchObject({ reason: 'Unavailable' });
  });
});
