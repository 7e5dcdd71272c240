import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection } from '@archpolicy/core';
import { createCertificateAuthority, FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { CertificatePair } from '@archpolicy/testkit';
import { createInspector } from '../create-inspector.ts';
import { createShiftedClock } from '../fixtures/clocks.ts';
import { fixedRegistries, readRegistriesFile } from './registries-file.ts';

/** The recipes of docs/registries.md, each with real servers. */

const image = multiPlatformImage(['linux/arm64']);
const resolved = { kind: 'resolved', facts: { digest: image.manifest.digest } };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-recipes-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** Inspects an image with this registries file. All names resolve to 127.0.0.1. */
async function inspect(file: string, reference: string): Promise<Inspection> {
  const path = join(directory, 'registries.yaml');
  await writeFile(path, file);
  const inspector = createInspector({
    clock: createShiftedClock(),
    registries: fixedRegistries(await readRegistriesFile(path)),
    resolve: (_, __, callback) => {
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    },
  });
  try {
    return await inspector.inspect({ reference, budgetMs: 5_000 });
  } finally {
    await inspector.close();
  }
}

describe('I7 images that a webhook rewrote to a proxy on each node (localhost:7439)', () => {
  let hub: FakeRegistry;
  let quay: FakeRegistry;

  beforeEach(async () => {
    [hub, quay] = await Promise.all([new FakeRegistry().start(), new FakeRegistry().start()]);
    hub.push('library/nginx', 'v1', image);
    quay.push('team/app', 'v1', image);
  });

  afterEach(async () => {
    await Promise.all([hub.stop(), quay.stop()]);
  });

  const recipe = (): string => `registries:
    - host: localhost:7439
      mirrors:
        - {host: "${hub.host}", rewrite: [{from: docker.io, to: ""}]}
        - {host: "${quay.host}", rewrite: [{from: quay.io, to: ""}]}
    - {host: "127.0.0.1:*", plainHttp: true, allowAddresses: [127.0.0.0/8]}`;

  test.each(['docker.io/library/nginx', 'quay.io/team/app'])(
    'I7 localhost:7439/%s is read at its registry',
    async (name) => {
      expect(await inspect(recipe(), `localhost:7439/${name}:v1`)).toMatchObject(resolved);
    },
  );

  test('I7 without the entry, the image is Blocked', async () => {
    const reference = 'localhost:7439/docker.io/library/nginx:v1';
    expect(await inspect('{}', reference)).toMatchObject({ reason: 'Blocked' });
    expect([...hub.lines, ...quay.lines]).toEqual([]);
  });

  test('I7 a proxy that serves all registries by ?ns= is a mirror of each (Spegel)', async () => {
    hub.push('team/app', 'v1', image);
    const file = `registries:
      - {host: quay.io, mirrors: [{host: "${hub.host}"}]}
      - {host: ghcr.io, mirrors: [{host: "${hub.host}"}]}
      - {host: "127.0.0.1:*", plainHttp: true, allowAddresses: [127.0.0.0/8]}`;
    expect(await inspect(file, 'quay.io/team/app:v1')).toMatchObject(resolved);
    expect(await inspect(file, 'ghcr.io/team/app:v1')).toMatchObject(resolved);
    expect(hub.lines).toEqual(['GET /v2/team/app/manifests/v1?ns=quay.io', 'GET /v2/team/app/manifests/v1?ns=ghcr.io']);
  });
});

describe('I7 hosts with TLS', () => {
  let leaf: CertificatePair;
  let server: Server & { closeAllConnections?: () => void };
  let port: number;

  beforeEach(async () => {
    const ca = await createCertificateAuthority();
    leaf = await ca.issue({ dnsNames: ['registry.corp.example', 'gitlab.corp.example'] });
    await writeFile(join(directory, 'ca.crt'), ca.certificate);
  });

  afterEach(async () => {
    server.closeAllConnections?.();
    await new Promise((resolve) => server.close(resolve));
  });

  async function listen(listening: Server): Promise<void> {
    server = listening;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  }

  const entry = (name: string): string =>
    `{host: "${name}.corp.example:${port}", caFile: ${directory}/ca.crt, allowAddresses: [127.0.0.0/8]}`;

  test('I7 a token service of another name needs an entry with the private CA', async () => {
    const serve: RequestListener = (request, response) => {
      if (request.url?.startsWith('/token') === true) response.end('{"token": "t"}');
      else if (request.headers.authorization === 'Bearer t')
        response.writeHead(200, { 'content-type': image.manifest.mediaType }).end(image.manifest.body);
      else {
        const realm = `Bearer realm="https://gitlab.corp.example:${port}/token",service="registry"`;
        response.writeHead(401, { 'www-authenticate': realm }).end();
      }
    };
    await listen(createServer({ cert: leaf.certificate, key: leaf.key }, serve));
    const reference = `registry.corp.example:${port}/app:v1`;
    const both = `registries: [${entry('registry')}, ${entry('gitlab')}]`;
    expect(await inspect(both, reference)).toMatchObject(resolved);
    const withoutCa = `{host: "gitlab.corp.example:${port}", allowAddresses: [127.0.0.0/8]}`;
    const one = `registries: [${entry('registry')}, ${withoutCa}]`;
    expect(await inspect(one, reference)).toMatchObject({ reason: 'Unavailable' });
  });

  test('I4 a registry that has only HTTP/2 is Unavailable', async () => {
    await listen(createSecureServer({ cert: leaf.certificate, key: leaf.key, allowHTTP1: false }));
    const file = `registries: [${entry('registry')}]`;
    expect(await inspect(file, `registry.corp.example:${port}/app:v1`)).toMatchObject({ reason: 'Unavailable' });
  });
});
