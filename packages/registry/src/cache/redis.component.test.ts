import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import {
  basicAccess,
  dockerConfigJson,
  FakeRegistry,
  multiPlatformImage,
  PRIMARY_NAME,
  RedisCluster,
  RedisNode,
  RedisSentinel,
} from '@archpolicy/testkit';
import { systemClock } from '@archpolicy/async';
import type { Inspection } from '@archpolicy/core';
import type { RedisOptions } from '../create-inspector.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { Replicas, sharedRedis } from '../fixtures/replicas.ts';
import type { RegistriesSource } from '../config/registries-file.ts';
import type { Inspector } from '../inspect/inspector.ts';
import { NO_METRICS } from '../metrics.ts';

const image = multiPlatformImage(['linux/amd64', 'linux/arm64']);

const clock = systemClock();

let registry: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();
let discarded: number;

beforeEach(async () => {
  [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  registry.push('app', 'v1', image);
  discarded = 0;
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([registry.stop(), redis.stop()]);
});

/** Creates one of several processes that share the Redis. Only the tests of K7 have the real timeout. */
function replica(
  more: Partial<RedisOptions> & {
    readonly clusterId?: string | undefined;
    readonly registries?: RegistriesSource;
  } = {},
): Inspector {
  const { clusterId, registries, ...options } = { clusterId: 'cluster A', registries: loopbackRegistries(), ...more };
  return replicas.create({
    clock,
    registries,
    clusterId: () => clusterId,
    metrics: { ...NO_METRICS, discarded: () => void (discarded += 1) },
    redis: { ...sharedRedis(redis), ...options },
  });
}

function inspect(inspector: Inspector, reference = 'app:v1', user?: string): Promise<Inspection> {
  const json = dockerConfigJson({ [registry.host]: user ?? '' });
  const pullSecrets = user === undefined ? [] : [{ type: 'kubernetes.io/dockerconfigjson' as const, json }];
  return inspector.inspect({ reference: `${registry.host}/${reference}`, pullSecrets, budgetMs: 5_000 });
}

/** Returns all keys except the keys of locks, which are temporary. */
const keys = async (): Promise<readonly string[]> =>
  [...(await redis.keys()).keys()].filter((key) => !key.includes(':lock:'));

const readValue = (key: string | undefined): Promise<Buffer> => redis.value(key ?? '');

async function put(key: string | undefined, value: Buffer | string): Promise<void> {
  await redis.command('SET', key ?? '', value, 'PX', 100_000);
}

function flipBit(value: Buffer, at: number): Buffer {
  const changed = Buffer.from(value);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

/** Waits until there are `count` keys, because inspections do not wait for their writes. Returns the keys. */
async function waitForKeys(count: number): Promise<readonly string[]> {
  for (;;) {
    const found = await keys();
    if (found.length >= count) return found;
    await delay(5);
  }
}

describe('K1 P7 replicas that share a Redis', () => {
  test('P7 a replica or a restarted process uses the results of another replica', async () => {
    await inspect(replica());
    registry.forgetRequests();
    expect(await inspect(replica())).toMatchObject({ kind: 'resolved', source: 'redis' });
    expect(registry.lines).toEqual([]);
  });

  test('P7 K4 concurrent inspections of a new image by all replicas cost one GET', async () => {
    const three = [replica(), replica(), replica()];
    const all = await Promise.all(Array.from({ length: 500 }, (_, at) => inspect(three[at % 3]!)));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['resolved']));
    expect(registry.lines).toEqual(['GET /v2/app/manifests/v1']);
  });

  test('K2 P4 another tenant at another replica costs one HEAD; a wrong credential gets Unauthorized', async () => {
    registry.access = basicAccess(['alice:a', 'bob:b']);
    await inspect(replica(), 'app:v1', 'alice:a');
    registry.forgetRequests();
    const second = replica();
    expect(await inspect(second, 'app:v1', 'alice:a')).toMatchObject({ kind: 'resolved', source: 'redis' });
    expect(registry.lines).toEqual([]);
    expect(await inspect(second, 'app:v1', 'bob:b')).toMatchObject({ kind: 'resolved' });
    expect(
      registry.requests.filter(({ headers }) => headers.authorization !== undefined).map(({ method }) => method),
    ).toEqual(['HEAD']);
    expect(await inspect(replica(), 'app:v1', 'alice:b')).toMatchObject({ reason: 'Unauthorized' });
    expect(await inspect(replica(), `app@${image.manifest.digest}`, 'alice:b')).toMatchObject({
      reason: 'Unauthorized',
    });
  });

  test('K4 a rejection is shared by replicas for the same credential, not for another one', async () => {
    registry.access = basicAccess(['alice:a']);
    const [first, second] = [replica(), replica()];
    for (const inspector of [first, second]) {
      expect(await inspect(inspector, 'app:v1', 'alice:wrong')).toMatchObject({ reason: 'Unauthorized' });
      await waitForKeys(2);
    }
    const withIt = registry.requests.filter(({ headers }) => headers.authorization !== undefined);
    expect(withIt).toHaveLength(1);
    expect(await inspect(second, 'app:v1', 'alice:a')).toMatchObject({ kind: 'resolved' });
  });

  test('K4 an image that does not exist costs one request of all replicas', async () => {
    const three = [replica(), replica(), replica()];
    const all = await Promise.all(Array.from({ length: 99 }, (_, at) => inspect(three[at % 3]!, 'missing:v1')));
    expect(new Set(all.map((one) => (one.kind === 'unresolved' ? one.reason : one.kind)))).toEqual(
      new Set(['NotFound']),
    );
    expect(registry.requests).toHaveLength(1);
  });

  test('K4 a connection failure of one replica is not shared', async () => {
    registry.fault = () => ({ kind: 'reset' });
    expect(await inspect(replica())).toMatchObject({ reason: 'Unavailable' });
    registry.fault = () => undefined;
    expect(await inspect(replica())).toMatchObject({ kind: 'resolved' });
  });

  test('K4 a replica that dies while it fetches delays the others by two seconds at most', async () => {
    const first = replica();
    registry.fault = () => ({ kind: 'hang' });
    void inspect(first, 'app:v1');
    while (registry.requests.length === 0) await delay(5);
    await first.close();
    registry.fault = () => undefined;
    const [left] = [...(await redis.keys())].flatMap(([key, ms]) => (key.includes(':lock:') ? [ms] : []));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(2_000);
    expect(await inspect(replica())).toMatchObject({ kind: 'resolved' });
  });
});

describe('K6 invalid values in Redis', () => {
  test('K6 every key has a time to live', async () => {
    await inspect(replica());
    await waitForKeys(3);
    // -1 is a key without an expiry. -2 is a lock that was released after its name had been read.
    expect([...(await redis.keys()).values()]).not.toContain(-1);
  });

  test.each([
    ['garbage', () => 'garbage'],
    ['another nonce', (value: Buffer) => flipBit(value, 0)],
    ['another payload', (value: Buffer) => flipBit(value, 20)],
    ['another tag', (value: Buffer) => flipBit(value, value.length - 1)],
    ['no payload', (value: Buffer) => value.subarray(0, 10)],
    ['a value beyond the maximum length', (value: Buffer) => Buffer.concat([value, Buffer.alloc(70_000)])],
    ['a signed value of version 2', () => '2.AAAAAAAAAAAAAAAAAAAAAA.{"kind":"neutral"}'],
  ])('K6 %s is a miss and counted', async (_, change) => {
    await inspect(replica());
    for (const key of await waitForKeys(3)) {
      await put(key, change(await readValue(key)));
    }
    registry.forgetRequests();
    expect(await inspect(replica())).toMatchObject({ kind: 'resolved', source: 'registry' });
    expect(registry.lines).toEqual(['GET /v2/app/manifests/v1']);
    expect(discarded).toBeGreaterThan(0);
  });

  test('K6 a value moved to another key is a miss', async () => {
    const first = replica();
    await inspect(first);
    const before = new Set(await waitForKeys(3));
    registry.push('other', 'v1', multiPlatformImage(['linux/s390x']));
    await inspect(first, 'other:v1');
    const [from] = (await waitForKeys(6)).filter((key) => !before.has(key) && key.includes(':facts:'));
    const [to] = [...before].filter((key) => key.includes(':facts:'));
    await put(to, await readValue(from));
    const inspection = await inspect(replica());
    expect(inspection).toMatchObject({
      kind: 'resolved',
      facts: { platforms: [{ architecture: 'amd64' }, { architecture: 'arm64' }] },
    });
    expect(discarded).toBeGreaterThan(0);
  });

  test('K6 a reader of Redis finds no image, digest, platform or scope, in no kind of entry', async () => {
    registry.access = basicAccess(['alice:a']);
    const reader = replica();
    await inspect(reader, 'app:v1', 'alice:a');
    expect(await inspect(reader, 'absent:v1', 'alice:a')).toMatchObject({ reason: 'NotFound' });
    expect(await inspect(reader, 'app:v1', 'alice:wrong')).toMatchObject({ reason: 'Unauthorized' });
    await waitForKeys(5);
    const found = [...(await redis.keys()).keys()];
    const kinds = new Set(found.map((key) => key.split(':')[2]));
    expect([...kinds].filter((kind) => kind !== 'lock').sort()).toEqual(['facts', 'failure', 'tag']);
    const texts = [...found, ...(await Promise.all(found.map(readValue))).map((value) => value.toString('latin1'))];
    for (const name of [
      'app',
      'alice',
      'sha256',
      image.manifest.digest.slice(7, 20),
      'arm64',
      '127.0.0.1',
      'Unauthorized',
    ]) {
      expect(texts.filter((text) => text.includes(name))).toEqual([]);
    }
  });

  test('K6 limits and locks contain numbers and random tokens only', async () => {
    const limited = loopbackRegistries('requestLimit: {perSecond: 0.01, burst: 5}');
    registry.fault = () => ({ kind: 'hang' });
    const inspector = replica({ registries: limited });
    const waiting = inspect(inspector);
    while (registry.requests.length === 0) await delay(5);
    const found = [...(await redis.keys()).keys()];
    const [lock] = found.filter((key) => key.includes(':lock:'));
    const [limit] = found.filter((key) => key.includes(':limit:'));
    expect(String(await redis.command('GET', lock ?? ''))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await redis.command('HGETALL', limit ?? '')).toEqual([
      'tokens',
      expect.stringMatching(/^[0-9.]+$/),
      'at',
      expect.stringMatching(/^[0-9]+$/),
    ]);
    await inspector.close();
    await waiting;
  });

  test('K6 a process with another cache key neither uses nor breaks the values', async () => {
    await inspect(replica());
    registry.forgetRequests();
    expect(await inspect(replica({ cacheKey: 'another cache key' }))).toMatchObject({ source: 'registry' });
    expect(await inspect(replica())).toMatchObject({ source: 'redis' });
    expect(registry.lines).toHaveLength(1);
  });
});

// The delays are tested in redis/store.component.test.ts, with a fake clock.
describe('K7 an outage of Redis', () => {
  const expectResolved = async (inspector: Inspector, reference: string): Promise<void> => {
    registry.push(...(reference.split(':') as [string, string]), image);
    expect(await inspect(inspector, reference)).toMatchObject({ kind: 'resolved' });
  };

  test('K7 connections are refused: inspections continue', async () => {
    const inspector = replica({ url: 'redis://127.0.0.1:1', commandTimeoutMs: 50 });
    await expectResolved(inspector, 'app:v2');
  });

  test('K7 Redis hangs: inspections continue', async () => {
    const inspector = replica({ commandTimeoutMs: 50 });
    await inspect(inspector);
    redis.pause();
    for (let at = 2; at < 14; at += 1) await expectResolved(inspector, `app:v${at}`);
    redis.resume();
  });

  test('K7 failover: no inspection fails, and the new primary is used afterwards', async () => {
    const sentinel = await new RedisSentinel().start();
    try {
      const url = `redis+sentinel://${sentinel.address}/${PRIMARY_NAME}`;
      const inspector = replica({ url, commandTimeoutMs: 50 });
      const over = new AbortController();
      const failover = sentinel.failOver().finally(() => {
        over.abort();
      });
      let at = 0;
      for (; !over.signal.aborted; at += 1) await expectResolved(inspector, `app:v${at}`);
      await failover;
      const primary = await sentinel.primary();
      await primary.flush();
      for (; (await primary.keys()).size === 0; at += 1) {
        await expectResolved(inspector, `app:v${at}`);
        await delay(100);
      }
    } finally {
      await sentinel.stop();
    }
  }, 60_000);

  test('K7 one node of a Cluster hangs: no inspection fails', async () => {
    const cluster = await new RedisCluster().start();
    try {
      const inspector = replica({ url: `redis+cluster://${cluster.addresses.join(',')}`, commandTimeoutMs: 50 });
      for (let at = 0; at < 10; at += 1) await expectResolved(inspector, `app:before-${at}`);
      cluster.nodes[0]?.pause();
      for (let at = 0; at < 50; at += 1) await expectResolved(inspector, `app:after-${at}`);
      cluster.nodes[0]?.resume();
    } finally {
      await cluster.stop();
    }
  }, 60_000);

  test('K7 Redis is flushed, read-only, stopped and started again: no inspection fails', async () => {
    const inspector = replica({ commandTimeoutMs: 50 });
    await inspect(inspector);
    await redis.flush();
    await expectResolved(inspector, 'app:v2');
    await redis.readOnly();
    await expectResolved(inspector, 'app:v3');
    await redis.stop();
    await expectResolved(inspector, 'app:v4');
    await redis.start();
    await expectResolved(inspector, 'app:v5');
    // The client reconnects in the background.
    for (let at = 6; (await keys()).length === 0; at += 1) {
      await expectResolved(inspector, `app:v${at}`);
      await delay(100);
    }
  }, 60_000);
});
