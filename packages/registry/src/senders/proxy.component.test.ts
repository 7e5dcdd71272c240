import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inspection } from '@archpolicy/core';
import { ConnectProxy, createCertificateAuthority, FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import { NoProxy } from '../config/no-proxy.ts';
import type { EnvironmentProxies } from '../config/proxies.ts';
import { parseProxyUrl } from '../config/proxy-url.ts';
import { fixedRegistries, readRegistriesFile } from '../config/registries-file.ts';
import { createInspector } from '../create-inspector.ts';
import { createShiftedClock } from '../fixtures/clocks.ts';

const image = multiPlatformImage(['linux/arm64']);
const resolved = { kind: 'resolved', facts: { digest: image.manifest.digest } };

let proxy: ConnectProxy;
let server: Server;
/** The requests that reached the registry with TLS. */
let received: string[];
let directory: string;
/** The names that were resolved in this process. */
let lookups: string[];

beforeEach(async () => {
  proxy = await new ConnectProxy().start();
  directory = await mkdtemp(join(tmpdir(), 'archpolicy-proxy-'));
  received = [];
  lookups = [];
  const ca = await createCertificateAuthority();
  const leaf = await ca.issue({ commonName: 'registry.example', dnsNames: ['registry.example', 'tokens.example'] });
  await writeFile(join(directory, 'ca.crt'), ca.certificate);
  server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
    received.push(`${request.headers.host} ${request.url}`);
    const { body, mediaType } = image.manifest;
    response.writeHead(200, { 'content-type': mediaType }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (const host of ['registry.example', 'registry.example:5000', '10.9.9.9:5000']) {
    proxy.targets.set(host.includes(':') ? host : `${host}:443`, port);
  }
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await proxy.stop();
  await rm(directory, { recursive: true });
});

const environment = (url: string, noProxy = ''): EnvironmentProxies => {
  const parsed = parseProxyUrl(url);
  if (parsed === undefined) throw new Error('not the URL of a proxy');
  return { https: parsed, http: parsed, noProxy: new NoProxy(noProxy) };
};

interface Options {
  readonly proxies?: EnvironmentProxies;
  readonly entry?: string;
  readonly budgetMs?: number;
}

/** Inspects images one after another with one inspector. No name can be resolved in this process, except `proxy.corp`. */
async function inspectAll(references: readonly string[], options: Options = {}): Promise<readonly Inspection[]> {
  const { proxies, entry = 'host: registry.example', budgetMs = 2_500 } = options;
  const path = join(directory, 'registries.yaml');
  const ca = `caFile: ${directory}/ca.crt`;
  await writeFile(path, `registries: [{${entry}, ${ca}}, {host: blocked.example, blocked: true}]`);
  const inspector = createInspector({
    clock: createShiftedClock(),
    registries: fixedRegistries(await readRegistriesFile(path)),
    ...(proxies === undefined ? {} : { proxies }),
    resolve: (hostname, _, callback) => {
      lookups.push(hostname);
      if (hostname === 'proxy.corp') callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(new Error('no such name'), []);
    },
  });
  try {
    const results: Inspection[] = [];
    for (const reference of references) results.push(await inspector.inspect({ reference, budgetMs }));
    return results;
  } finally {
    await inspector.close();
  }
}

const inspect = async (reference: string, options?: Options): Promise<Inspection | undefined> =>
  (await inspectAll([reference], options))[0];

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('I7 a proxy', () => {
  test('I7 a registry is reached by a tunnel, with TLS inside, and its name is not resolved here', async () => {
    const proxies = environment(`http://${proxy.host}`);
    expect(await inspectAll(['registry.example/app:v1', 'registry.example/app:v2'], { proxies })).toMatchObject([
      resolved,
      resolved,
    ]);
    expect(new Set(proxy.lines)).toEqual(new Set(['CONNECT registry.example:443']));
    expect(received).toEqual(['registry.example /v2/app/manifests/v1', 'registry.example /v2/app/manifests/v2']);
    expect(lookups).toEqual([]);
  });

  test('I7 the name of the proxy is resolved here, and the proxy may have any address', async () => {
    const proxies = environment(`http://proxy.corp:${proxy.host.split(':')[1]}`);
    expect(await inspect('registry.example/app:v1', { proxies })).toMatchObject(resolved);
    expect(lookups).toEqual(['proxy.corp']);
  });

  test('P5 the credential of a proxy is sent to the proxy only', async () => {
    const proxies = environment(`http://user:pass@${proxy.host}`);
    expect(await inspect('registry.example/app:v1', { proxies })).toMatchObject(resolved);
    expect(proxy.requests.map(({ authorization }) => authorization)).toEqual([basic('user:pass')]);
    expect(received).toHaveLength(1);
  });

  test('I7 the proxy of an entry, with a port of the registry, has precedence over the environment', async () => {
    const entry = `host: "registry.example:5000", proxy: "http://a:b@${proxy.host}"`;
    const proxies = environment('http://127.0.0.1:1', 'registry.example');
    expect(await inspect('registry.example:5000/app:v1', { proxies, entry })).toMatchObject(resolved);
    expect(proxy.requests).toEqual([{ line: 'CONNECT registry.example:5000', authorization: basic('a:b') }]);
  });

  test.each([
    ['NO_PROXY', { noProxy: '.example' }],
    ['proxy: none', { entry: 'host: registry.example, proxy: none' }],
  ])('I7 %s: the registry is reached directly', async (_, { noProxy, entry }: { noProxy?: string; entry?: string }) => {
    const proxies = environment(`http://${proxy.host}`, noProxy);
    expect(
      await inspect('registry.example/app:v1', { proxies, ...(entry === undefined ? {} : { entry }) }),
    ).toMatchObject({
      reason: 'Unavailable',
    });
    expect(proxy.requests).toEqual([]);
    expect(lookups).toEqual(['registry.example']);
  });

  test('I7 requests with plain HTTP are forwarded', async () => {
    const registry = await new FakeRegistry().start();
    registry.push('app', 'v1', image);
    proxy.targets.set('registry.example:5000', registry.port);
    const entry = 'host: "registry.example:5000", plainHttp: true';
    const proxies = environment(`http://user:pass@${proxy.host}`);
    expect(await inspect('registry.example:5000/app:v1', { proxies, entry })).toMatchObject(resolved);
    expect(proxy.requests).toEqual([
      { line: 'GET http://registry.example:5000/v2/app/manifests/v1', authorization: basic('user:pass') },
    ]);
    expect(registry.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
    expect(registry.requests[0]?.headers.host).toBe('registry.example:5000');
    await registry.stop();
  });
});

describe('I8 the address guard with a proxy', () => {
  const proxies = (): EnvironmentProxies => environment(`http://${proxy.host}`);

  test.each([
    '169.254.169.254',
    '127.0.0.1',
    '[::1]',
    '[64:ff9b::a9fe:a9fe]',
    '0x7f.1',
    '100.100.100.200',
    'localhost',
  ])('I8 %s is refused, and the proxy gets no request', async (host) => {
    for (const more of ['', ', plainHttp: true', `, proxy: "http://${proxy.host}"`]) {
      const entry = `host: "${host}:5000"${more}`;
      const inspection = await inspect(`${host}:5000/app:v1`, { proxies: proxies(), entry });
      // The name `localhost` is not resolved by the test.
      const isName = host === 'localhost';
      if (!isName) expect(inspection).toMatchObject({ reason: 'Blocked' });
      else if (!more.includes('proxy')) expect(inspection).toMatchObject({ reason: 'Unavailable' });
    }
    if (host !== 'localhost') expect(proxy.requests).toEqual([]);
  });

  test('I8 a host that is blocked gets no request through the proxy', async () => {
    expect(await inspect('blocked.example/app:v1', { proxies: proxies() })).toMatchObject({ reason: 'Blocked' });
    expect(proxy.requests).toEqual([]);
  });

  test('I8 an address that the guard permits is reached through the proxy', async () => {
    expect(await inspect('10.9.9.9:5000/app:v1', { proxies: proxies(), entry: 'host: "10.9.9.9:5000"' })).toMatchObject(
      {
        reason: 'Unavailable', // The certificate is for another name.
      },
    );
    expect(proxy.lines).toEqual(['CONNECT 10.9.9.9:5000']);
  });
});

describe('I4 a proxy that fails', () => {
  const plain = 'host: registry.example, plainHttp: true';

  test.each([
    ['refuses a tunnel without its credential', undefined, { kind: 'answer', status: 407 }],
    ['refuses a tunnel by its rules', undefined, { kind: 'answer', status: 403 }],
    ['answers with a redirect', undefined, { kind: 'answer', status: 302 }],
    ['has no connection to the registry', undefined, { kind: 'answer', status: 502 }],
    ['closes the connection of a tunnel', undefined, { kind: 'reset' }],
    ['forwards no request without its credential', plain, { kind: 'answer', status: 407 }],
    ['cannot forward a request', plain, { kind: 'answer', status: 502 }],
    ['closes the connection of a request', plain, { kind: 'reset' }],
  ] as const)('I4 a proxy that %s: Unavailable', async (_, entry, fault) => {
    proxy.fault = fault;
    const options = { proxies: environment(`http://${proxy.host}`), ...(entry === undefined ? {} : { entry }) };
    expect(await inspect('registry.example/app:v1', options)).toMatchObject({ reason: 'Unavailable' });
    expect(proxy.requests.length).toBeGreaterThan(0);
    expect(received).toEqual([]);
  });

  test('I4 no proxy at the address: Unavailable', async () => {
    const proxies = environment('http://127.0.0.1:1');
    expect(await inspect('registry.example/app:v1', { proxies })).toMatchObject({ reason: 'Unavailable' });
  });

  test('I4 a proxy that never answers: the outcome is in time, and the connection is closed', async () => {
    proxy.fault = { kind: 'hang' };
    const proxies = environment(`http://${proxy.host}`);
    expect(await inspect('registry.example/app:v1', { proxies, budgetMs: 300 })).toMatchObject({ reason: 'Deadline' });
    expect(proxy.lines).toEqual(['CONNECT registry.example:443']);
    await proxy.untilIdle();
  });
});
