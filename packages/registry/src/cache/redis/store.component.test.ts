import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FaultProxy, PRIMARY_NAME, RedisCluster, RedisNode, RedisSentinel } from '@archpolicy/testkit';
import type { ConnectionFault } from '@archpolicy/testkit';
import { MAX_VALUE_LENGTH } from '../encrypted-value.ts';
import { RedisRig } from './fixtures/redis-rig.ts';
import type { RedisStore } from './store.ts';

let rig: RedisRig;
const VALUE = Buffer.from('value');

beforeEach(() => {
  rig = new RedisRig();
});

afterEach(() => rig.end());

async function read(redis: RedisStore, key: string): Promise<string | undefined> {
  const [value] = await redis.get([key]);
  return value?.toString();
}

/** Starts a server behind a proxy, and a store that is connected to it through the proxy. */
async function startBehindProxy(): Promise<{ server: RedisNode; proxy: FaultProxy; redis: RedisStore }> {
  const server = await rig.start(new RedisNode());
  const proxy = await rig.start(new FaultProxy(server.port));
  const redis = rig.open(`redis://127.0.0.1:${proxy.port}`);
  await redis.set('known', VALUE, 60_000);
  expect(await read(redis, 'known')).toBe('value');
  return { server, proxy, redis };
}

/** Advances the clock, no faster than real time, until a probe in the background succeeds. */
async function waitUntilAvailable(redis: RedisStore): Promise<void> {
  while (!rig.logLines.some((line) => line.startsWith('redis available again'))) {
    await advanceRealTime();
    await read(redis, 'any');
  }
}

async function advanceRealTime(): Promise<void> {
  await delay(5);
  await rig.clock.advance(5);
}

/** Reads by 100 concurrent callers. */
const readByMany = (redis: RedisStore): Promise<readonly (string | undefined)[]> =>
  Promise.all(Array.from({ length: 100 }, () => read(redis, 'known')));

const allMissing: readonly undefined[] = Array.from({ length: 100 });

/** Expects no values, without any wait: the clock is not advanced. */
async function expectNoWait(redis: RedisStore): Promise<void> {
  expect(await readByMany(redis)).toEqual(allMissing);
}

/** Expects no values after a wait of exactly 50 ms. */
async function expectTimeout(redis: RedisStore): Promise<void> {
  const replies = readByMany(redis);
  await rig.clock.advance(49);
  expect(rig.clock.sleeping).toContain(1);
  expect(await Promise.race([replies, Promise.resolve('waiting')])).toBe('waiting');
  await rig.clock.advance(1);
  expect(await replies).toEqual(allMissing);
}

const bucket = { perSecond: 1, burst: 2, maxWaitMs: 500 };

describe('K7 the deployments of Redis', () => {
  const deployments = {
    'one node': async () => {
      const server = await rig.start(new RedisNode());
      return { url: server.url, keys: () => server.keys() };
    },
    Sentinel: async () => {
      const sentinel = await rig.start(new RedisSentinel());
      const primary = await sentinel.primary();
      return { url: `redis+sentinel://${sentinel.address}/${PRIMARY_NAME}`, keys: () => primary.keys() };
    },
    Cluster: async () => {
      const cluster = await rig.start(new RedisCluster());
      return { url: `redis+cluster://${cluster.addresses.join(',')}`, keys: () => cluster.keys() };
    },
  };

  test.each(Object.entries(deployments))(
    'K7 K6 works with %s, and all keys expire',
    async (_, start) => {
      const { url, keys } = await start();
      const redis = rig.open(url);
      const names = Array.from({ length: 30 }, (_unused, at) => `key-${at}`);
      // The first command waits for the connection.
      expect(await read(redis, 'key-0')).toBeUndefined();
      await Promise.all(names.map((name) => redis.set(name, Buffer.from(`value of ${name}`), 60_000)));
      expect(await Promise.all(names.map((name) => read(redis, name)))).toEqual(
        names.map((name) => `value of ${name}`),
      );
      const locks = names.map((name) => `lock-${name}`);
      expect(new Set(await Promise.all(locks.map((lock) => redis.lock(lock, 'mine', 60_000))))).toEqual(
        new Set(['acquired']),
      );
      expect(new Set(await Promise.all(locks.map((lock) => redis.lock(lock, 'other', 60_000))))).toEqual(
        new Set(['busy']),
      );
      redis.unlock('lock-key-0', 'other');
      expect(await redis.lock('lock-key-0', 'other', 60_000)).toBe('busy');
      redis.unlock('lock-key-0', 'mine');
      expect(await redis.lock('lock-key-0', 'other', 60_000)).toBe('acquired');
      const limits = names.map((name) => `limit-${name}`);
      const taken = await Promise.all(limits.map((limit) => redis.reserve(limit, bucket)));
      expect(new Set(taken.map((reservation) => JSON.stringify(reservation)))).toEqual(
        new Set(['{"waitMs":0,"blockedMs":0}']),
      );
      redis.block('limit-key-0', 30_000);
      expect((await redis.reserve('limit-key-0', bucket))?.blockedMs).toBeGreaterThan(20_000);
      const all = await keys();
      expect(all.size).toBe(90);
      expect([...all.values()].filter((ms) => ms < 0)).toEqual([]);
      expect(rig.errors).toBe(0);
    },
    60_000,
  );
});

describe('K7 an outage of Redis', () => {
  test('K7 connections are refused: no command waits, not even the first; then Redis is available again', async () => {
    const { proxy, redis } = await startBehindProxy();
    await proxy.set({ kind: 'refuse' });
    await expectNoWait(redis);
    await expectNoWait(redis);
    expect(rig.logLines).toHaveLength(1);
    expect(rig.logLines[0]).toMatch(/^redis unavailable, continuing without it/);
    await proxy.set({ kind: 'none' });
    await waitUntilAvailable(redis);
    expect(await read(redis, 'known')).toBe('value');
  });

  test('K7 packets are dropped: concurrent commands wait 50 ms, later ones do not wait; a new connection detects the recovery', async () => {
    const { proxy, redis } = await startBehindProxy();
    await proxy.set({ kind: 'black-hole' });
    await expectTimeout(redis);
    await expectNoWait(redis);
    const before = proxy.accepted;
    // Probes get no answer either, and no command waits for them.
    for (let times = 0; times < 20; times += 1) {
      await rig.clock.advance(100);
      await expectNoWait(redis);
    }
    await proxy.set({ kind: 'none' });
    await waitUntilAvailable(redis);
    expect(await read(redis, 'known')).toBe('value');
    expect(proxy.accepted).toBeGreaterThan(before);
  });

  test('K7 Redis hangs: the process is stopped, the kernel accepts connections', async () => {
    const server = await rig.start(new RedisNode());
    const redis = rig.open(server.url);
    await redis.set('known', VALUE, 60_000);
    server.pause();
    await expectTimeout(redis);
    await expectNoWait(redis);
    server.resume();
    await waitUntilAvailable(redis);
    expect(await read(redis, 'known')).toBe('value');
  });

  const cuts: readonly ConnectionFault[] = [{ kind: 'reset' }, { kind: 'cut', afterBytes: 3 }];
  test.each(cuts)('K7 connections break (%j): no command waits', async (fault) => {
    const { proxy, redis } = await startBehindProxy();
    await proxy.set(fault);
    await expectNoWait(redis);
    await expectNoWait(redis);
    await proxy.set({ kind: 'none' });
    await waitUntilAvailable(redis);
    expect(await read(redis, 'known')).toBe('value');
  });

  test('K7 Redis is flushed: all values are misses, scripts and locks work', async () => {
    const server = await rig.start(new RedisNode());
    const redis = rig.open(server.url);
    await redis.set('known', VALUE, 60_000);
    expect(await redis.lock('lock', 'mine', 60_000)).toBe('acquired');
    await redis.reserve('limit', bucket);
    await server.flush();
    expect(await read(redis, 'known')).toBeUndefined();
    expect(await redis.lock('lock', 'other', 60_000)).toBe('acquired');
    expect(await redis.reserve('limit', bucket)).toEqual({ waitMs: 0, blockedMs: 0 });
    expect(rig.errors).toBe(0);
  });

  test('K7 Redis is read-only: reads work, writes fail without waiting', async () => {
    const server = await rig.start(new RedisNode());
    const redis = rig.open(server.url);
    await redis.set('known', VALUE, 60_000);
    await server.readOnly();
    for (let times = 0; times < 10; times += 1) {
      await redis.set('other', VALUE, 60_000);
      expect(await redis.lock('lock', 'mine', 60_000)).toBe('unavailable');
      expect(await redis.reserve('limit', bucket)).toBeUndefined();
      expect(await read(redis, 'known')).toBe('value');
    }
    expect(rig.clock.monotonic()).toBe(0);
    await server.readWrite();
    expect(await redis.lock('lock', 'mine', 60_000)).toBe('acquired');
    expect(rig.logLines).toEqual([]);
  });

  test('K7 Redis is out of memory: reads work, writes fail without waiting', async () => {
    const server = await rig.start(new RedisNode());
    const redis = rig.open(server.url);
    await redis.set('known', VALUE, 60_000);
    await server.command('CONFIG', 'SET', 'maxmemory', 1);
    await redis.set('other', VALUE, 60_000);
    expect(await redis.lock('lock', 'mine', 60_000)).toBe('unavailable');
    expect(await read(redis, 'known')).toBe('value');
    expect(rig.clock.monotonic()).toBe(0);
  });

  test.each(['crashes', 'is demoted'])(
    'K7 the primary %s: no error, and the new primary is used',
    async (how) => {
      const sentinel = await rig.start(new RedisSentinel());
      const redis = rig.open(`redis+sentinel://${sentinel.address}/${PRIMARY_NAME}`);
      await redis.set('known', VALUE, 60_000);
      expect(await read(redis, 'known')).toBe('value');
      const progress = { isOver: false };
      const failover = (how === 'crashes' ? sentinel.crashPrimary() : sentinel.failOver()).finally(() => {
        progress.isOver = true;
      });
      const use = async (): Promise<boolean> => {
        const [, value] = await advanceUntil(Promise.all([redis.set('new', VALUE, 60_000), read(redis, 'new')]));
        return value === 'value';
      };
      while (!progress.isOver) await use();
      await failover;
      while (!(await use()));
      expect(await (await sentinel.primary()).command('GET', 'new')).toBe('value');
    },
    60_000,
  );

  test('K7 one node of a Cluster hangs: its keys cost 50 ms, then no command is sent until all nodes answer', async () => {
    const cluster = await rig.start(new RedisCluster());
    const redis = rig.open(`redis+cluster://${cluster.addresses.join(',')}`);
    const names = Array.from({ length: 30 }, (_, at) => `key-${at}`);
    await Promise.all(names.map((name) => redis.set(name, VALUE, 60_000)));
    cluster.nodes[0]?.pause();
    const replies = Promise.all(names.map((name) => read(redis, name)));
    await rig.clock.advance(50);
    expect(await replies).toContain(undefined);
    await expectNoWait(redis);
    cluster.nodes[0]?.resume();
    await waitUntilAvailable(redis);
    expect(await Promise.all(names.map((name) => read(redis, name)))).toEqual(names.map(() => 'value'));
  }, 60_000);
});

describe('limits and secrets of Redis', () => {
  test('K6 a value is read up to the maximum length', async () => {
    const server = await rig.start(new RedisNode());
    const redis = rig.open(server.url);
    await server.command('SETRANGE', 'huge', 8_000_000, 'x');
    expect((await read(redis, 'huge'))?.length).toBe(MAX_VALUE_LENGTH + 1);
  });

  test('the commands that docs/redis.md lists are sufficient', async () => {
    const server = await rig.start(new RedisNode());
    const page = await readFile(new URL('../../../../../docs/redis.md', import.meta.url), 'utf8');
    const [, list = ''] = /An ACL user needs these commands(.*?)\n\n/s.exec(page) ?? [];
    const commands = [...list.matchAll(/`([a-z]+)`/g)].map(([, command]) => `+${command ?? ''}`);
    expect(commands).toContain('+getrange');
    await server.command(
      'ACL',
      'SETUSER',
      'archpolicy',
      'on',
      '>geheim',
      '~archpolicy:*',
      'resetchannels',
      ...commands,
    );
    const redis = rig.open(`redis://archpolicy:geheim@127.0.0.1:${server.port}`);
    await redis.set('archpolicy:value', VALUE, 60_000);
    expect(await read(redis, 'archpolicy:value')).toBe('value');
    expect(await redis.lock('archpolicy:lock', 'mine', 60_000)).toBe('acquired');
    redis.extend('archpolicy:lock', 'mine', 60_000);
    redis.unlock('archpolicy:lock', 'mine');
    expect(await redis.lock('archpolicy:lock', 'other', 60_000)).toBe('acquired');
    expect(await redis.reserve('archpolicy:limit', bucket)).toEqual({ waitMs: 0, blockedMs: 0 });
    redis.block('archpolicy:limit', 60_000);
    expect((await redis.reserve('archpolicy:limit', bucket))?.blockedMs).toBeGreaterThan(0);
    expect(rig.errors).toBe(0);
  });

  test('P5 the password is used, and a wrong one is not logged', async () => {
    const server = await rig.start(new RedisNode({ password: 'right:p@ss/word' }));
    const right = rig.open(server.url);
    await right.set('known', VALUE, 60_000);
    expect(await read(right, 'known')).toBe('value');
    const wrong = rig.open(`redis://:wrong-geheim@127.0.0.1:${server.port}`);
    expect(await read(wrong, 'known')).toBeUndefined();
    expect(rig.logLines).toEqual(['redis unavailable, continuing without it {"reason":"WRONGPASS"}']);
  });
});

/** Advances the clock until the promise settles. */
async function advanceUntil<T>(awaited: Promise<T>): Promise<T> {
  const progress = { isOver: false };
  const done = awaited.finally(() => {
    progress.isOver = true;
  });
  while (!progress.isOver) await advanceRealTime();
  return done;
}
