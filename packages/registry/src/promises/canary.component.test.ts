import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect as show } from 'node:util';
import {
  basicAccess,
  dockerConfigJson,
  FakeRegistry,
  listEncodings,
  RedisNode,
  singleImage,
  TokenServer,
} from '@archpolicy/testkit';
import type { AccessRule } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { NoProxy } from '../config/no-proxy.ts';
import { parseProxyUrl } from '../config/proxy-url.ts';
import { readRegistriesFile } from '../config/registries-file.ts';
import { WatchedRegistries } from '../config/watched-registries.ts';
import { createInspector } from '../create-inspector.ts';
import type { RegistryMetrics } from '../metrics.ts';

/** A marker in every credential, so that one search finds any credential, also in base64. */
const CANARY = 'Marker7Q';
const REPOSITORY = 'team/app';

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }),
};

let registry: FakeRegistry;
let tokens: TokenServer;
let redis: RedisNode;
let directory: string;
/** All output of the inspector: logs, metrics, results and errors. */
let emitted: unknown[];

beforeEach(async () => {
  const users = ['pod', 'file', 'plugin', 'docker'].map((name) => ({
    name: `${name}-user-${CANARY}`,
    password: `${name}-password-${CANARY}`,
    identityToken: `${name}-identity-${CANARY}`,
    repositories: name === 'docker' ? [REPOSITORY] : [],
  }));
  [registry, tokens, redis, directory] = await Promise.all([
    new FakeRegistry().start(),
    new TokenServer(users).start(),
    new RedisNode({ password: `redis-password-${CANARY}` }).start(),
    mkdtemp(join(tmpdir(), 'archpolicy-canary-')),
  ]);
  registry.push(REPOSITORY, 'v1', singleImage('linux/arm64'));
  emitted = [];
});

afterEach(async () => {
  await Promise.all([registry.stop(), tokens.stop(), redis.stop(), rm(directory, { recursive: true })]);
});

const pair = (name: string): string => `${name}-user-${CANARY}:${name}-password-${CANARY}`;

/** Writes a registries file with every kind of credential. */
async function configure(): Promise<string> {
  const path = (name: string): string => join(directory, name);
  const image = registry.host;
  const response = {
    kind: 'CredentialProviderResponse',
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
    cacheKeyType: 'Image',
    auth: { [image]: { username: `plugin-user-${CANARY}`, password: `plugin-password-${CANARY}` } },
  };
  const provider = {
    name: 'plugin',
    matchImages: [image],
    defaultCacheDuration: '1h',
    apiVersion: response.apiVersion,
  };
  await writeFile(
    path('plugin'),
    `#!/bin/sh\ncat >/dev/null\necho ${CANARY} >&2\ncat <<'END'\n${JSON.stringify(response)}\nEND\n`,
  );
  await chmod(path('plugin'), 0o755);
  await writeFile(path('providers.yaml'), JSON.stringify({ kind: 'CredentialProviderConfig', providers: [provider] }));
  await writeFile(path('host.json'), dockerConfigJson({ [image]: pair('file') }));
  await writeFile(path('docker.json'), dockerConfigJson({ [image]: pair('docker') }));
  const host = {
    host: '127.0.0.1:*',
    plainHttp: true,
    allowAddresses: ['127.0.0.0/8'],
    credentialsFile: path('host.json'),
  };
  const credentialProviders = { configFile: path('providers.yaml'), binDirectory: directory };
  const file = { registries: [host], credentialProviders, dockerConfigFile: path('docker.json') };
  await writeFile(path('registries.yaml'), JSON.stringify(file));
  return path('registries.yaml');
}

const note = (...what: readonly unknown[]): void => void emitted.push(what);
const logger = { debug: note, info: note, warn: note, error: note };
const metrics: RegistryMetrics = {
  inspection: note,
  failure: note,
  request: note,
  discarded: note,
  cache: note,
  credentialComparisons: note,
  unusableKeys: note,
  requestTook: note,
  watchCircuits: note,
  redisCommand: note,
  watchRedis: note,
  registriesFileValid: note,
  registriesFile: note,
};

async function inspectAll(access: AccessRule): Promise<void> {
  registry.access = access;
  const path = await configure();
  const registries = await WatchedRegistries.open({ path, clock, logger, metrics });
  const secrets: readonly PullSecret[] = [
    { type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson({ [registry.host]: pair('pod') }) },
    {
      type: 'kubernetes.io/dockerconfigjson',
      json: dockerConfigJson({ [registry.host]: { identitytoken: `pod-identity-${CANARY}` } }),
    },
    {
      type: 'kubernetes.io/dockerconfigjson',
      json: dockerConfigJson({ [registry.host]: { registrytoken: `pod-token-${CANARY}` } }),
    },
    { type: 'kubernetes.io/dockerconfigjson', json: `{"auths": ${CANARY}` },
  ];
  for (const redisUrl of [redis.url, `redis://:wrong-${CANARY}@127.0.0.1:${redis.port}`]) {
    const inspector = createInspector({
      clock,
      logger,
      metrics,
      registries,
      clusterId: () => `cluster-${CANARY}`,
      redis: { url: redisUrl, cacheKey: `cache-key-${CANARY}` },
    });
    for (const pullSecrets of [secrets, []]) {
      note(await inspector.inspect({ reference: `${registry.host}/${REPOSITORY}:v1`, pullSecrets, budgetMs: 10_000 }));
    }
    await inspector.close();
  }
  await writeFile(path, `registries: ${CANARY}`);
  await registries.reload();
  note(await readRegistriesFile(path).catch((error: unknown) => error));
}

/** Returns every key in Redis with its value. */
async function redisContent(): Promise<readonly string[]> {
  return Promise.all(
    [...(await redis.keys()).keys()].map(async (key) => {
      const read = (await redis.command('TYPE', key)) === 'hash' ? 'HGETALL' : 'GET';
      return `${key} ${show(await redis.command(read, key))}`;
    }),
  );
}

/** Inspects an image with a pull secret, and records everything that is emitted. Returns the log lines of failures. */
async function inspectFailing(host = registry.host, proxyUrl?: string): Promise<readonly object[]> {
  const proxy = proxyUrl === undefined ? undefined : parseProxyUrl(proxyUrl);
  const path = await configure();
  const registries = await WatchedRegistries.open({ path, clock, logger, metrics });
  const inspector = createInspector({
    clock,
    logger,
    metrics,
    registries,
    ...(proxy !== undefined && { proxies: { https: proxy, http: proxy, noProxy: new NoProxy('') } }),
  });
  const json = dockerConfigJson({ [registry.host]: pair('pod') });
  const pullSecrets = [{ type: 'kubernetes.io/dockerconfigjson', json, namespace: 'shop', name: 'pull' } as const];
  note(await inspector.inspect({ reference: `${host}/${REPOSITORY}:v1`, pullSecrets, budgetMs: 10_000 }));
  await inspector.close();
  return emitted.filter((what) => Array.isArray(what) && what[1] === 'registry request failed') as object[];
}

/** Expects the canary in no form in the whole output, logged or printed. */
function expectNoCanary(...more: readonly unknown[]): void {
  const options = { depth: 20, maxArrayLength: null, maxStringLength: null, showHidden: true };
  const everything = show([emitted, more], options);
  for (const form of listEncodings(CANARY)) expect(everything).not.toContain(form);
}

const answer = (status: number, headers: Record<string, string>, body: string): AccessRule => {
  return () => ({ kind: 'answer', status, headers, body });
};

describe('P5 I11 the lines and metrics of failures contain no part of a response', () => {
  const realm = (url: string): Record<string, string> => ({ 'www-authenticate': `Bearer realm="${url}",service="s"` });

  test.each<[string, string, () => AccessRule]>([
    ['a body', 'unauthorized', () => answer(403, {}, CANARY)],
    ['a header', 'server-error', () => answer(500, { 'x-token': CANARY }, CANARY)],
    [
      'a realm with userinfo',
      'token-service-url-invalid',
      () => answer(401, realm(`https://u:${CANARY}@t.example/`), ''),
    ],
    ['a relative realm', 'token-service-url-relative', () => answer(401, realm(`/${CANARY}?token=${CANARY}`), '')],
    ['a redirect', 'connection', () => answer(307, { location: `http://127.0.0.1:1/${CANARY}?sig=${CANARY}` }, '')],
    [
      'a redirect with userinfo',
      'redirect-refused',
      () => answer(307, { location: `http://u:${CANARY}@127.0.0.1:1/` }, ''),
    ],
    ['a coding', 'invalid-response', () => answer(200, { 'content-encoding': CANARY }, CANARY)],
  ])('P5 I11 %s: %s', async (_, cause, access) => {
    registry.access = access();
    expect(JSON.stringify(await inspectFailing())).toContain(`"cause":"${cause}"`);
    expectNoCanary();
  });

  test.each<[string, string, number]>([
    ['a rejection', 'unauthorized', 403],
    ['a response that is no token', 'invalid-response', 200],
    ['a redirect', 'token-service-redirects', 302],
  ])('P5 I11 %s of a token service: %s', async (_, cause, status) => {
    registry.access = tokens.access();
    const headers = { location: `https://t.example/?token=${CANARY}` };
    tokens.fault = () => ({ kind: 'answer', status, headers, body: `{"token": ${CANARY}` });
    expect(JSON.stringify(await inspectFailing())).toContain(`"cause":"${cause}"`);
    expectNoCanary();
  });

  test('P5 I11 the URL of a proxy', async () => {
    expect(JSON.stringify(await inspectFailing('registry.example', `http://user:${CANARY}@127.0.0.1:1`))).toMatch(
      /"cause":"(?:proxy|connection)"/,
    );
    expectNoCanary();
  });
});

describe('P5 confidentiality of credentials', () => {
  test.each([
    ['Basic', () => basicAccess([pair('docker')])],
    ['Bearer', () => tokens.access()],
  ])('P5 credentials do not appear in logs, metrics, results, errors and Redis (%s)', async (_, access) => {
    await inspectAll(access());
    const sent = [...registry.requests, ...tokens.requests].map(({ headers }) => headers.authorization);
    // The test is meaningful only if the credentials were used.
    expect(new Set(sent).size).toBeGreaterThanOrEqual(4);
    expect(listEncodings(CANARY).some((form) => sent.join(' ').includes(form))).toBe(true);
    expect(emitted.some((what) => show(what, { depth: 10 }).includes("kind: 'resolved'"))).toBe(true);
    const content = await redisContent();
    expect(content.length).toBeGreaterThanOrEqual(3);
    expectNoCanary(content);
  });
});
