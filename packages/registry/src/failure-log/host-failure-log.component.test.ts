import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  ConnectProxy,
  createCertificateAuthority,
  dockerConfigJson,
  FakeRegistry,
  multiPlatformImage,
  TokenServer,
} from '@archpolicy/testkit';
import type { AccessRule, CertificatePair, LeafOptions } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { NoProxy } from '../config/no-proxy.ts';
import { parseProxyUrl } from '../config/proxy-url.ts';
import { parseRegistries, Registries } from '../config/registries.ts';
import { fixedRegistries } from '../config/registries-file.ts';
import { createInspector } from '../create-inspector.ts';
import type { InspectorOptions } from '../create-inspector.ts';
import { RegistryError } from '../errors.ts';
import { createShiftedClock } from '../fixtures/clocks.ts';
import type { Inspector } from '../inspect/inspector.ts';
import { NO_METRICS } from '../metrics.ts';

let registry: FakeRegistry;
let tokens: TokenServer;
let inspector: Inspector | undefined;
let lines: Readonly<Record<string, unknown>>[];
let counted: string[];
const clock = createShiftedClock();

beforeEach(async () => {
  [lines, counted, clock.shiftMs] = [[], [], 0];
  registry = await new FakeRegistry().start();
  tokens = await new TokenServer([{ name: 'user', password: 'right', repositories: ['team/app'] }]).start();
  registry.push('team/app', 'v1', multiPlatformImage(['linux/arm64']));
});

afterEach(async () => {
  await inspector?.close();
  inspector = undefined;
  await Promise.all([registry.stop(), tokens.stop()]);
});

const LOOPBACK = `{ host: "127.0.0.1:*", plainHttp: true, allowAddresses: [127.0.0.0/8] }`;

function create(entries: string = LOOPBACK, options: Partial<InspectorOptions> = {}): Inspector {
  const write =
    (level: string) =>
    (fields: object, msg: string): void =>
      void lines.push({ level, ...fields, msg });
  inspector = createInspector({
    clock,
    registries: fixedRegistries(new Registries(parseRegistries(`registries: [${entries}]`))),
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    metrics: { ...NO_METRICS, failure: ({ host, cause }) => void counted.push(`${cause} at ${host}`) },
    ...options,
  });
  return inspector;
}

const secret = (name: string, host: string, pair: string): PullSecret => ({
  type: 'kubernetes.io/dockerconfigjson',
  json: dockerConfigJson({ [host]: pair }),
  ...{ namespace: 'shop', name },
});

async function inspect(reference: string, pullSecrets: readonly PullSecret[] = []): Promise<string> {
  const request = { reference, pullSecrets, tenant: 'shop', budgetMs: 10_000 };
  const inspection = await (inspector ?? create()).inspect(request);
  return inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
}

const app = (): string => `${registry.host}/team/app:v1`;

const respond =
  (status: number, headers: Record<string, string> = {}): AccessRule =>
  () => ({ kind: 'answer', status, headers });

describe('I11 the line of an error status', () => {
  test.each<[number, string, string, string]>([
    [401, 'Unauthorized', 'unauthorized', 'warn'],
    [403, 'Unauthorized', 'unauthorized', 'warn'],
    [404, 'NotFound', 'not-found', 'info'],
    [406, 'NotFound', 'request-rejected', 'warn'],
    [429, 'RateLimited', 'rate-limited', 'warn'],
    [500, 'Unavailable', 'server-error', 'warn'],
    [503, 'Unavailable', 'server-error', 'warn'],
  ])('I11 %i: %s, cause %s', async (status, reason, cause, level) => {
    registry.access = respond(status, { 'retry-after': '60' });
    expect(await inspect(app())).toBe(reason);
    expect(lines).toMatchObject([
      { level, msg: 'registry request failed', host: registry.host, cause, status, repository: 'team/app' },
    ]);
    expect(lines[0]?.['detail']).toMatch(/\w/);
    expect(counted).toEqual([`${cause} at 127.0.0.1:*`]);
  });

  test('I11 a 429 with the time until which no request is sent', async () => {
    registry.access = respond(429, { 'retry-after': '60' });
    await inspect(app());
    const until = Date.parse(String(lines[0]?.['until']));
    expect(until).toBeGreaterThan(Date.now());
    expect(until).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  test('I11 all credentials that were rejected, by their Secrets', async () => {
    registry.access = tokens.access();
    const secrets = [secret('pull', registry.host, 'user:wrong'), secret('other', registry.host, 'user:old')];
    expect(await inspect(app(), secrets)).toBe('Unauthorized');
    expect(lines).toMatchObject([
      { cause: 'unauthorized', authentication: ['Secret shop/pull', 'Secret shop/other', 'none'] },
    ]);
  });

  test('I11 a rejected credential before one that is accepted: no line', async () => {
    registry.access = tokens.access();
    const secrets = [secret('pull', registry.host, 'user:wrong'), secret('other', registry.host, 'user:right')];
    expect(await inspect(app(), secrets)).toBe('resolved');
    expect([lines, counted]).toEqual([[], []]);
  });

  test('I11 the token service that failed, with its host', async () => {
    registry.access = tokens.access();
    tokens.fault = () => ({ kind: 'answer', status: 502 });
    expect(await inspect(app())).toBe('Unavailable');
    expect(lines).toMatchObject([
      {
        host: registry.host,
        cause: 'server-error',
        status: 502,
        'token-service': expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
    ]);
  });

  test('I11 the target of a redirect that failed, with its host', async () => {
    const storage = await new FakeRegistry().start();
    storage.access = respond(403);
    registry.access = respond(307, { location: `http://${storage.host}/blob?X-Amz-Signature=secret` });
    expect(await inspect(app())).toBe('Unauthorized');
    expect(lines).toMatchObject([{ host: registry.host, status: 403, 'redirect-target': storage.host }]);
    expect(JSON.stringify(lines)).not.toContain('secret');
    await storage.stop();
  });
});

describe('I11 the line of a connection', () => {
  test('I11 that is closed without a response', async () => {
    registry.fault = () => ({ kind: 'reset' });
    expect(await inspect(app())).toBe('Unavailable');
    expect(lines).toMatchObject([{ cause: 'connection', code: 'UND_ERR_SOCKET' }]);
  });

  test('I11 that is refused', async () => {
    expect(await inspect('127.0.0.1:1/team/app:v1')).toBe('Unavailable');
    expect(lines).toMatchObject([{ cause: 'connection', code: 'ECONNREFUSED' }]);
  });

  test.each(['NameNotFound', 'NoNameServerAnswered'] as const)('I11 whose name is not resolved: %s', async (code) => {
    create('', {
      resolve: (_hostname, _options, callback) => {
        callback(new RegistryError(code, 'no address'), []);
      },
    });
    expect(await inspect('registry.example/team/app:v1')).toBe('Unavailable');
    expect(lines).toMatchObject([{ host: 'registry.example', cause: 'dns', code }]);
    expect(counted).toEqual(['dns at other']);
  });

  test.each<[string, LeafOptions, boolean, string]>([
    ['of an unknown CA', {}, false, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['of another name', { dnsNames: ['other.example'], addresses: [] }, true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that has expired', { notAfter: new Date(Date.now() - 1_000) }, true, 'CERT_HAS_EXPIRED'],
  ])('I11 with a certificate %s', async (_, leaf, isTrusted, code) => {
    const authority = await createCertificateAuthority();
    const server = await serveTls(await authority.issue(leaf));
    const caFile = isTrusted ? ', caFile: /ca.crt' : '';
    const config = parseRegistries(`registries: [{ host: "127.0.0.1:*", allowAddresses: [127.0.0.0/8]${caFile} }]`);
    const files = new Map([['/ca.crt', authority.certificate]]);
    create('', { registries: fixedRegistries(new Registries(config, files)) });
    expect(await inspect(`127.0.0.1:${(server.address() as AddressInfo).port}/app:v1`)).toBe('Unavailable');
    expect(lines).toMatchObject([{ cause: 'tls', code }]);
    await stop(server);
  });

  test('I11 with HTTP where HTTPS is expected', async () => {
    create('{ host: "127.0.0.1:*", allowAddresses: [127.0.0.0/8] }');
    expect(await inspect(app())).toBe('Unavailable');
    expect(lines).toMatchObject([{ cause: 'tls', code: expect.stringMatching(/^ERR_SSL_|^EPROTO$/) }]);
  });

  test('I11 that the address guard refuses, with the range', async () => {
    const registries = new Registries(parseRegistries('refuseAddresses: [10.0.0.0/8]'));
    create('', { registries: fixedRegistries(registries) });
    expect(await inspect('10.1.2.3:5000/app:v1')).toBe('Blocked');
    expect(await inspect('169.254.169.254/app:v1')).toBe('Blocked');
    expect(lines).toMatchObject([
      { host: '10.1.2.3:5000', cause: 'address-guard', rule: '10.0.0.0/8 of refuseAddresses' },
      { host: '169.254.169.254', cause: 'address-guard', rule: '169.254.0.0/16 (built in)' },
    ]);
  });

  test('I11 through a proxy that refuses, without the proxy’s credential', async () => {
    const proxy = await new ConnectProxy().start();
    proxy.fault = { kind: 'answer', status: 407 };
    const parsed = parseProxyUrl(`http://user:marker@${proxy.host}`);
    if (parsed === undefined) throw new Error('not the URL of a proxy');
    create('', { proxies: { https: parsed, http: parsed, noProxy: new NoProxy('') } });
    expect(await inspect('registry.example/app:v1')).toBe('Unavailable');
    expect(lines).toMatchObject([{ cause: 'proxy', status: 407 }]);
    expect(JSON.stringify(lines)).not.toContain('marker');
    await proxy.stop();
  });
});

describe('I11 the line of a limit', () => {
  test('I11 the circuit breaker, with the time of the next attempt', async () => {
    registry.access = respond(500);
    for (let index = 0; index < 6; index += 1) await inspect(`${registry.host}/team/app:v${index}`);
    expect(lines.map(({ cause }) => cause)).toEqual(['server-error', 'circuit-breaker']);
    expect(Date.parse(String(lines[1]?.['until']))).toBeGreaterThan(Date.now() - 10_000);
  });

  test('I11 a host that the registries file blocks, once', async () => {
    create('{ host: "blocked.example", blocked: true }');
    for (const name of ['a', 'b']) expect(await inspect(`blocked.example/${name}:v1`)).toBe('Blocked');
    expect(lines).toMatchObject([{ level: 'info', host: 'blocked.example', cause: 'blocked-host', repository: 'a' }]);
    expect(counted).toEqual(['blocked-host at blocked.example', 'blocked-host at blocked.example']);
  });
});

describe('I11 a mirror', () => {
  test('I11 that fails has a line, although the registry answers; that lacks the image has none', async () => {
    const upstream = await new FakeRegistry().start();
    upstream.push('team/app', 'v1', multiPlatformImage(['linux/arm64']));
    upstream.push('team/app', 'v2', multiPlatformImage(['linux/arm64']));
    const entry = `${LOOPBACK}, { host: "${upstream.host}", plainHttp: true, allowAddresses: [127.0.0.0/8], mirrors: [{ host: "${registry.host}" }] }`;
    create(entry);
    registry.access = respond(404);
    expect(await inspect(`${upstream.host}/team/app:v1`)).toBe('resolved');
    expect(lines).toEqual([]);
    registry.access = respond(502);
    expect(await inspect(`${upstream.host}/team/app:v2`)).toBe('resolved');
    expect(lines).toMatchObject([{ host: registry.host, cause: 'server-error', status: 502 }]);
    await upstream.stop();
  });
});

async function serveTls(leaf: CertificatePair): Promise<Server> {
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
