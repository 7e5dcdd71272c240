import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Clock } from '@archpolicy/async';
import {
  basicAccess,
  dockerConfigJson,
  FakeRegistry,
  multiPlatformImage,
  singleImage,
  TokenServer,
} from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import { createInspector } from '../create-inspector.ts';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import type { Inspector } from '../inspect/inspector.ts';
import type { PullSecret } from './credential.ts';

let registry: FakeRegistry;
let tokens: TokenServer;
let inspector: Inspector;
const clock = createManualClock();
const image = multiPlatformImage(['linux/amd64', 'linux/arm64']);
const alice = { name: 'alice', password: 'wonder:land', repositories: ['private/app'], identityToken: 'alice-refresh' };
const bob = { name: 'bob', password: 'builder', repositories: ['private/app'] };

beforeEach(async () => {
  clock.nowMs = 1_000_000;
  registry = await new FakeRegistry().start();
  tokens = await new TokenServer([{ name: '', password: '', repositories: ['public/app'] }, alice, bob]).start();
  for (const repository of ['public/app', 'private/app']) registry.push(repository, 'v1', image);
  inspector = inspectorWith(clock);
});

function inspectorWith(time: Clock): Inspector {
  return createInspector({ clock: time, registries: loopbackRegistries() });
}

afterEach(async () => {
  await inspector.close();
  await Promise.all([registry.stop(), tokens.stop()]);
});

function secret(user: string | object, host = registry.host): PullSecret {
  return { type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson({ [host]: user }) };
}

const inspect = (repository: string, pullSecrets: readonly PullSecret[] = []): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${repository}`, pullSecrets, budgetMs: 5_000 });

const rightSecret = (): PullSecret => secret('alice:wonder:land');
const resolved = { kind: 'resolved' };

describe('I5 the bound of the entries of a pod’s pull secrets', () => {
  const otherEntries = (count: number): PullSecret => {
    const auths = Array.from({ length: count }, (_, index) => [`registry-${index}.example`, 'user:password'] as const);
    return { type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson(Object.fromEntries(auths)) };
  };

  test.each([
    [255, 'resolved'],
    [256, 'unresolved'],
  ])('I5 after %i other entries, the right one gives %s', async (count, kind) => {
    registry.access = tokens.access();
    expect(await inspect('private/app:v1', [otherEntries(count), rightSecret()])).toMatchObject({ kind });
  });
});

describe('I6 token authentication', () => {
  test('I6 an anonymous token is requested once, with the pull scope only', async () => {
    registry.access = tokens.access();
    expect(await inspect('public/app:v1')).toMatchObject(resolved);
    expect(registry.lines).toEqual(['GET /v2/public/app/manifests/v1', 'GET /v2/public/app/manifests/v1']);
    expect(tokens.requests.map(({ method, path }) => `${method} ${decodeURIComponent(path)}`)).toEqual([
      'GET /token?service=testkit-registry&scope=repository:public/app:pull',
    ]);
  });

  test('I6 with a cached challenge, a new image costs one token and one GET', async () => {
    registry.access = tokens.access();
    await inspect('public/app:v1');
    registry.forgetRequests();
    expect(await inspect('private/app:v1', [rightSecret()])).toMatchObject(resolved);
    expect(registry.lines).toEqual(['GET /v2/private/app/manifests/v1']);
    expect(tokens.requests).toHaveLength(2);
  });

  test('I6 twenty concurrent images of a new registry cost one challenge', async () => {
    registry.access = tokens.access();
    const images = Array.from({ length: 20 }, (_, at) => `v${at}`);
    for (const tag of images) registry.push('public/app', tag, multiPlatformImage(['linux/amd64'], tag));
    const patient = inspectorWith({ ...clock, sleep: () => new Promise<never>(() => undefined) });
    const reference = (tag: string): string => `${registry.host}/public/app:${tag}`;
    const all = images.map((tag) => patient.inspect({ reference: reference(tag), budgetMs: 5_000 }));
    for (const inspection of await Promise.all(all)) expect(inspection).toMatchObject(resolved);
    await patient.close();
    expect(registry.requests).toHaveLength(1 + images.length);
  });

  test('I6 access_token is accepted in place of token', async () => {
    registry.access = tokens.access();
    tokens.field = 'access_token';
    expect(await inspect('public/app:v1')).toMatchObject(resolved);
  });

  test.each([
    [300, 239_000, 241_000],
    [undefined, 47_000, 49_000],
  ])('I6 a token of %s s is reused until shortly before it expires', async (expiresIn, before, after) => {
    registry.access = tokens.access();
    tokens.expiresIn = expiresIn;
    await inspect('public/app:v1');
    const tokensRequested = async (tag: string): Promise<number> => {
      registry.push('public/app', tag, image);
      await inspect(`public/app:${tag}`);
      return tokens.requests.length;
    };
    clock.nowMs += before;
    expect(await tokensRequested('v2')).toBe(1);
    clock.nowMs += after - before;
    expect(await tokensRequested('v3')).toBe(2);
  });

  test('I6 a cached token that the registry rejects is replaced once', async () => {
    registry.access = tokens.access();
    await inspect('public/app:v1');
    registry.push('public/app', 'v2', image);
    const allow = tokens.access();
    const revoked = registry.requests.at(-1)?.headers.authorization;
    registry.access = (request, repository) =>
      allow(request.headers.authorization === revoked ? { ...request, headers: {} } : request, repository);
    expect(await inspect('public/app:v2')).toMatchObject(resolved);
    expect(tokens.requests).toHaveLength(2);
  });

  test('I6 each user of a repository has its own token', async () => {
    registry.access = tokens.access();
    await inspect('private/app:v1', [rightSecret()]);
    await inspect('private/app:v1', [secret('bob:builder')]);
    expect(tokens.requests).toHaveLength(2);
    const [first, second] = tokens.requests.map(({ headers }) => headers.authorization);
    expect(first).not.toBe(second);
  });

  test('I6 the rejection of a fresh token is final', async () => {
    registry.access = tokens.access();
    expect(await inspect('private/app:v1')).toMatchObject({ reason: 'Unauthorized' });
    expect(registry.requests).toHaveLength(2);
    expect(tokens.requests).toHaveLength(1);
  });

  test('I6 an identity token is exchanged by POST', async () => {
    registry.access = tokens.access();
    expect(await inspect('private/app:v1', [secret({ identitytoken: 'alice-refresh' })])).toMatchObject(resolved);
    expect(tokens.requests.map(({ method }) => method)).toEqual(['POST']);
  });

  test.each([
    ['a redirect', { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'Blocked'],
    ['text that is not JSON', { kind: 'answer', status: 200, body: '<html>' }, 'Malformed'],
    ['a token with a line break', { kind: 'answer', status: 200, body: '{"token":"a\\r\\nHost: x"}' }, 'Malformed'],
    ['a body without end', { kind: 'answer', status: 200, body: `{"token":"${'a'.repeat(100_000)}"}` }, 'TooLarge'],
    ['too many requests', { kind: 'answer', status: 429, headers: { 'retry-after': '7' } }, 'RateLimited'],
    ['a failure', { kind: 'answer', status: 503 }, 'Unavailable'],
    ['a reset', { kind: 'reset' }, 'Unavailable'],
  ] as const)('I6 the response of a token service is %s', async (_, fault, reason) => {
    registry.access = tokens.access();
    tokens.fault = () => fault;
    expect(await inspect('public/app:v1')).toMatchObject({ kind: 'unresolved', reason });
    expect(tokens.requests).toHaveLength(1);
  });

  test.each([
    ['with credentials', (realm: string) => realm.replace('http://', 'http://user:pass@')],
    ['of another protocol', (realm: string) => realm.replace('http://', 'file://')],
    ['that is relative', () => '/token'],
    ['that is too long', (realm: string) => `${realm}?${'a'.repeat(3000)}`],
    ['at a refused address', (realm: string) => realm.replace('127.0.0.1', '169.254.169.254')],
    ['at a refused address in disguise', (realm: string) => realm.replace('127.0.0.1', '[64:ff9b::a9fe:a9fe]')],
  ])('I6 P6 a realm %s gets no request', async (_, change) => {
    registry.access = () => ({
      kind: 'answer',
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${change(tokens.realm)}"` },
    });
    expect(await inspect('private/app:v1', [rightSecret()])).toMatchObject({ reason: 'Blocked' });
    expect(tokens.requests).toEqual([]);
  });
});

describe('I5 the credentials that are tried', () => {
  test('I5 Basic with the credential of the pod', async () => {
    registry.access = basicAccess(['alice:wonder:land']);
    expect(await inspect('private/app:v1', [rightSecret()])).toMatchObject(resolved);
  });

  test.each([
    ['bearer', 'first wrong', ['alice:wrong', 'bob:builder']],
    ['bearer', 'second wrong', ['bob:builder', 'alice:wrong']],
    ['basic', 'first wrong', ['alice:wrong', 'bob:builder']],
    ['basic', 'second wrong', ['bob:builder', 'alice:wrong']],
  ])('I5 two secrets for one host (%s), %s', async (kind, _, users) => {
    registry.access = kind === 'basic' ? basicAccess(['bob:builder']) : tokens.access();
    expect(
      await inspect(
        'private/app:v1',
        users.map((user) => secret(user)),
      ),
    ).toMatchObject(resolved);
  });

  test('I5 username and password without auth', async () => {
    registry.access = basicAccess(['alice:wonder:land']);
    expect(await inspect('private/app:v1', [secret({ username: 'alice', password: 'wonder:land' })])).toMatchObject(
      resolved,
    );
  });

  test('I5 a secret of the type dockercfg', async () => {
    registry.access = basicAccess(['alice:wonder:land']);
    const auth = Buffer.from('alice:wonder:land').toString('base64');
    const old: PullSecret = {
      type: 'kubernetes.io/dockercfg',
      json: JSON.stringify({ [`http://${registry.host}/v1/`]: { auth } }),
    };
    expect(await inspect('private/app:v1', [old])).toMatchObject(resolved);
  });

  test('I5 wrong credentials do not hide a public image', async () => {
    registry.access = tokens.access();
    expect(await inspect('public/app:v1', [secret('alice:wrong')])).toMatchObject(resolved);
  });

  test('I5 after a 404, which may hide a private image, the next credential is tried', async () => {
    registry.access = (request) =>
      request.headers.authorization === undefined
        ? { kind: 'answer', status: 404 }
        : basicAccess(['bob:builder'])(request, '');
    expect(await inspect('private/app:v1')).toMatchObject({ reason: 'NotFound' });
  });

  test('P5 credentials for other hosts are not sent', async () => {
    registry.access = basicAccess(['alice:wonder:land']);
    const others = ['127.0.0.1', '127.0.0.1:1', `x.${registry.host}`, `${registry.host}/other`].map((host) =>
      secret('alice:wonder:land', host),
    );
    expect(await inspect('private/app:v1', others)).toMatchObject({ reason: 'Unauthorized' });
    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test('P5 a redirect of a blob to another host is followed without the credential', async () => {
    const storage = await new FakeRegistry().start();
    const single = singleImage('linux/arm64');
    for (const place of [registry, storage]) place.push('private/app', 'v2', single);
    registry.access = basicAccess(['alice:wonder:land']);
    registry.fault = ({ path }) =>
      path.includes('/blobs/')
        ? { kind: 'answer', status: 307, headers: { location: `http://${storage.host}${path}` } }
        : undefined;
    expect(await inspect('private/app:v2', [rightSecret()])).toMatchObject(resolved);
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    await storage.stop();
  });

  test('P5 a 401 of the target of a redirect is not answered with credentials', async () => {
    const other = await new FakeRegistry().start();
    other.access = tokens.access();
    registry.fault = ({ path }) => ({
      kind: 'answer',
      status: 307,
      headers: { location: `http://${other.host}${path}` },
    });
    expect(await inspect('private/app:v1', [rightSecret()])).toMatchObject({ reason: 'Unauthorized' });
    expect(tokens.requests).toEqual([]);
    await other.stop();
  });

  test('I8 ten redirects are followed, an eleventh is not', async () => {
    const redirectTimes = (times: number): void => {
      let left = times;
      registry.fault = ({ path }) => {
        left -= 1;
        return left < 0 ? undefined : { kind: 'answer', status: 302, headers: { location: path } };
      };
    };
    redirectTimes(10);
    expect(await inspect('public/app:v1')).toMatchObject(resolved);
    registry.push('public/app', 'v2', image);
    redirectTimes(11);
    expect(await inspect('public/app:v2')).toMatchObject({ reason: 'Unavailable' });
  });
});

describe('P4 isolation of tenants', () => {
  test('P4 K2 a hundred tenants of one private image cost one GET and a HEAD each; a wrong credential gets Unauthorized', async () => {
    const tenants = Array.from({ length: 100 }, (_, at) => `tenant-${at}:password-${at}`);
    registry.access = basicAccess(tenants);
    const secrets = tenants.map((tenant) => [secret(tenant)]);
    const all = await Promise.all(secrets.map((pullSecrets) => inspect('private/app:v1', pullSecrets)));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['resolved']));
    const answered = registry.requests.filter(({ headers }) => headers.authorization !== undefined);
    expect(answered.filter(({ method }) => method === 'GET')).toHaveLength(1);
    expect(answered.filter(({ method }) => method === 'HEAD')).toHaveLength(99);

    const wrong = [secret('tenant-1:password-2')];
    expect(await inspect('private/app:v1', wrong)).toMatchObject({ reason: 'Unauthorized' });
    expect(await inspect(`private/app@${image.manifest.digest}`, wrong)).toMatchObject({ reason: 'Unauthorized' });
    expect(await inspect('private/app:v1')).toMatchObject({ reason: 'Unauthorized' });
  });

  test('P4 K2 a cached digest is used for another repository only after that repository returned it', async () => {
    registry.access = basicAccess(['alice:wonder:land']);
    await inspect('private/app:v1', [rightSecret()]);
    registry.access = () => undefined;
    expect(await inspect(`elsewhere/app@${image.manifest.digest}`)).toMatchObject({ reason: 'NotFound' });
  });

  test('P4 many concurrent wrong credentials do not affect the right one', async () => {
    registry.access = basicAccess(['bob:builder']);
    const wrong = Array.from({ length: 30 }, (_, at) => inspect('private/app:v1', [secret(`wrong-${at}:x`)]));
    const right = inspect('private/app:v1', [secret('bob:builder')]);
    expect(await right).toMatchObject(resolved);
    expect(new Set((await Promise.all(wrong)).map(({ kind }) => kind))).toEqual(new Set(['unresolved']));
  });
});
