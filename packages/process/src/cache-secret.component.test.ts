import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import type { RedisOptions } from '@archpolicy/registry';
import { FakeApiServer, FakeClock, statusObject } from '@archpolicy/testkit';
import type { ApiFault } from '@archpolicy/testkit';
import { cacheSecretWatch } from './cache-secret.ts';
import type { CacheSecretOptions } from './cache-secret.ts';
import type { SourceWatch } from './source-watch.ts';

const SECRET = { namespace: 'archpolicy-system', name: 'archpolicy-cache' };
const URL = 'redis://archpolicy-redis:6379';
const PASSWORD = 'p'.repeat(48);
const KEY = 'k'.repeat(48);
const GOOD = { 'redis-password': PASSWORD, 'cache-key': KEY };

let server: FakeApiServer;
let client: ApiClient;
let clock: FakeClock;
let used: RedisOptions[];
let lines: string[];

beforeEach(async () => {
  server = await new FakeApiServer().start();
  clock = new FakeClock();
  client = new ApiClient({ credentials: fixedCredentials({ server: server.url }), clock, userAgent: 'test/0' });
  used = [];
  lines = [];
});

afterEach(async () => {
  await client.close();
  await server.stop();
});

const put = (values: Readonly<Record<string, string | Buffer>>): void => {
  const data: JsonObject = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  server
    .collection('/api/v1/secrets')
    .put({ apiVersion: 'v1', kind: 'Secret', metadata: SECRET, type: 'Opaque', data });
};

function watch(more: Partial<CacheSecretOptions> = {}): SourceWatch<RedisOptions> {
  const note = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return cacheSecretWatch(
    { secret: SECRET, url: URL, cacheKey: undefined, needsPassword: true, ...more },
    {
      api: client,
      clock,
      random: () => 0,
      logger: { info: note, warn: note },
      onRedis: (redis) => void used.push(redis),
    },
  );
}

const fails = (fault: ApiFault) => () => {
  server.fault = () => fault;
};

describe('K7 password and cache key in a Secret', () => {
  test('K7 are used when the Secret appears, and again after a change', async () => {
    const watched = watch();
    await watched.poll();
    expect(used).toEqual([]);
    put(GOOD);
    await watched.poll();
    await watched.poll();
    put({ ...GOOD, 'redis-password': 'other' });
    await watched.poll();
    expect(used).toEqual([
      { url: URL, password: PASSWORD, cacheKey: KEY },
      { url: URL, password: 'other', cacheKey: KEY },
    ]);
  });

  test.each<[string, Partial<CacheSecretOptions>, Readonly<Record<string, string>>, RedisOptions]>([
    [
      'the key of the variable has precedence',
      { cacheKey: 'of the variable' },
      GOOD,
      { url: URL, password: PASSWORD, cacheKey: 'of the variable' },
    ],
    ['the password of the URL has precedence', { needsPassword: false }, GOOD, { url: URL, cacheKey: KEY }],
    [
      'without need of a password, the Secret may lack it',
      { needsPassword: false },
      { 'cache-key': KEY },
      { url: URL, cacheKey: KEY },
    ],
    [
      'an empty password is that of a Redis without one',
      {},
      { ...GOOD, 'redis-password': '' },
      { url: URL, cacheKey: KEY },
    ],
    [
      'a line break at the end of a file does not count',
      {},
      { 'redis-password': `${PASSWORD}\n`, 'cache-key': `${KEY}\r\n` },
      { url: URL, password: PASSWORD, cacheKey: KEY },
    ],
  ])('K7 %s', async (_, options, values, expected) => {
    put(values);
    await watch(options).poll();
    expect(used).toEqual([expected]);
  });

  test.each<[string, () => void, string, string]>([
    [
      'missing',
      () => {
        server.collection('/api/v1/secrets').remove('archpolicy-system/archpolicy-cache');
      },
      'SecretAbsent',
      'it does not exist',
    ],
    [
      'forbidden',
      fails({ kind: 'answer', status: 403, body: statusObject(403, 'Forbidden') }),
      'SecretForbidden',
      'add its name',
    ],
    [
      'answered 500',
      fails({ kind: 'answer', status: 500, body: statusObject(500, 'InternalError') }),
      'SecretUnavailable',
      'status 500',
    ],
    [
      'without a key',
      () => {
        put({ 'redis-password': PASSWORD });
      },
      'CacheSecretInvalid',
      'it lacks cache-key',
    ],
    [
      'without a password',
      () => {
        put({ 'cache-key': KEY });
      },
      'CacheSecretInvalid',
      'it lacks redis-password',
    ],
    [
      'with a short key',
      () => {
        put({ ...GOOD, 'cache-key': 'short' });
      },
      'CacheSecretInvalid',
      'cache-key is shorter than 32 characters',
    ],
    [
      'with bytes instead of a key',
      () => {
        put({ ...GOOD, 'cache-key': Buffer.alloc(48, 0xff) });
      },
      'CacheSecretInvalid',
      'cache-key is no text',
    ],
    [
      'with an endless password',
      () => {
        put({ ...GOOD, 'redis-password': PASSWORD.repeat(100) });
      },
      'CacheSecretInvalid',
      'redis-password is far too long',
    ],
  ])('K7 a Secret %s is logged once without its values, and replaces nothing', async (_, setup, code, problem) => {
    const early = watch();
    setup();
    await early.poll();
    await early.poll();
    expect(lines).toEqual([expect.stringMatching(/^failed to load cache secret, waiting for a valid one /u)]);
    server.fault = () => undefined;
    put(GOOD);
    await early.poll();
    lines.length = 0;
    // A failure of the API server is logged again after ten minutes.
    clock.jump(10 * 60_000);
    setup();
    await early.poll();
    await early.poll();
    expect(used).toEqual([{ url: URL, password: PASSWORD, cacheKey: KEY }]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`"source":"Secret archpolicy-system/archpolicy-cache","code":"${code}"`);
    expect(lines[0]).toContain(problem);
    for (const value of ['pppp', 'kkkk', 'short"']) expect(lines.join()).not.toContain(value);
  });
});
