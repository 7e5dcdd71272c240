import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import type { Inspection } from '@archpolicy/core';
import { basicAccess, dockerConfigJson, FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { RedisOptions } from '../create-inspector.ts';
import { Replicas } from '../fixtures/replicas.ts';
import type { Inspector } from '../inspect/inspector.ts';
import { NO_METRICS } from '../metrics.ts';

const [FIRST_KEY, NEXT_KEY] = ['the first cache key', 'the next cache key'];

let registry: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();

beforeEach(async () => {
  [registry, redis] = await Promise.all([
    new FakeRegistry().start(),
    new RedisNode({ password: 'the-password' }).start(),
  ]);
  registry.push('app', 'v1', multiPlatformImage(['linux/amd64']));
  registry.access = basicAccess(['user:pass']);
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([registry.stop(), redis.stop()]);
});

interface LateReplica {
  readonly inspector: Inspector;
  readonly isUp: () => boolean;
  /** Provides Redis to the replica. */
  readonly use: (cacheKey: string, password?: string) => void;
}

function replica(): LateReplica {
  let use: (options: RedisOptions) => void = () => undefined;
  let isUp = (): boolean => true;
  const inspector = replicas.create({
    clock: systemClock(),
    metrics: { ...NO_METRICS, watchRedis: (read) => void (isUp = read) },
    redis: (callback) => void (use = callback),
  });
  const url = `redis://127.0.0.1:${redis.port}`;
  return {
    inspector,
    isUp: () => isUp(),
    // The timeout is long, so that a busy machine is not taken for an outage.
    use: (cacheKey, password = 'the-password') => {
      use({ url, password, cacheKey, commandTimeoutMs: 5_000 });
    },
  };
}

/** Inspects a private image. */
function inspect({ inspector }: LateReplica, image = 'app:v1'): Promise<Inspection> {
  const json = dockerConfigJson({ [registry.host]: 'user:pass' });
  const pullSecrets = [{ type: 'kubernetes.io/dockerconfigjson' as const, json }];
  return inspector.inspect({ reference: `${registry.host}/${image}`, pullSecrets, budgetMs: 10_000 });
}

const from = (source: string): object => ({ kind: 'resolved', source });
const stored = async (): Promise<number> => (await redis.keys()).size;
/** Waits for both entries of the image, not only for the lock. */
async function untilStored(): Promise<void> {
  const isStored = async (): Promise<boolean> => {
    const keys = [...(await redis.keys()).keys()].join(' ');
    return keys.includes(':facts:') && keys.includes(':tag:');
  };
  while (!(await isStored())) await new Promise(setImmediate);
}

describe('a Redis that is known only after the start', () => {
  test('K7 until then images are inspected and cached in memory, and Redis counts as down', async () => {
    const one = replica();
    expect(await inspect(one)).toMatchObject(from('registry'));
    expect(await inspect(one)).toMatchObject(from('memory'));
    expect([one.isUp(), await stored()]).toEqual([false, 0]);
  });

  test('K2 K6 then replicas share what they inspect, also with a credential', async () => {
    const [one, two] = [replica(), replica()];
    expect(await inspect(one)).toMatchObject(from('registry'));
    one.use(FIRST_KEY);
    two.use(FIRST_KEY);
    // The scope of the credential is now that of all replicas, so the entry in memory is not found.
    expect(await inspect(one)).toMatchObject(from('registry'));
    registry.push('next', 'v1', multiPlatformImage(['linux/arm64']));
    expect(await inspect(one, 'next:v1')).toMatchObject(from('registry'));
    await untilStored();
    const before = registry.requests.length;
    expect(await inspect(two, 'next:v1')).toMatchObject(from('redis'));
    expect(registry.requests.length).toBe(before);
    expect(one.isUp()).toBe(true);
  });

  test('K6 a replica that is given another cache key finds nothing of the previous one', async () => {
    const [one, two] = [replica(), replica()];
    one.use(FIRST_KEY);
    await inspect(one);
    await untilStored();
    two.use(FIRST_KEY);
    two.use(NEXT_KEY);
    expect(await inspect(two)).toMatchObject(from('registry'));
    one.use(NEXT_KEY);
    expect(await inspect(one)).toMatchObject({ kind: 'resolved' });
  });

  test('K7 a wrong password costs only the cache, and the right one is used when it is provided', async () => {
    const one = replica();
    one.use(FIRST_KEY, 'wrong');
    expect(await inspect(one)).toMatchObject(from('registry'));
    expect(await stored()).toBe(0);
    one.use(FIRST_KEY);
    registry.push('other', 'v1', multiPlatformImage(['linux/arm64']));
    expect(await inspect(one, 'other:v1')).toMatchObject(from('registry'));
    await untilStored();
  });

  test('K7 after its end a replica opens nothing', async () => {
    const one = replica();
    await one.inspector.close();
    one.use(FIRST_KEY);
    const clients = (): Promise<unknown> => redis.command('CLIENT', 'LIST', 'TYPE', 'NORMAL');
    expect(
      String(await clients())
        .trim()
        .split('\n'),
    ).toHaveLength(1);
  });
});
