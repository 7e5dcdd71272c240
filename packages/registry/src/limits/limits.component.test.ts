import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import { FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import { createShiftedClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { Replicas, sharedRedis } from '../fixtures/replicas.ts';
import type { Inspector } from '../inspect/inspector.ts';

const image = multiPlatformImage(['linux/arm64']);
let registry: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();
const clock = createShiftedClock();

beforeEach(async () => {
  [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  for (let at = 0; at < 40; at += 1) registry.push(`app-${at}`, 'v1', image);
  clock.shiftMs = 0;
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([registry.stop(), redis.stop()]);
});

function replica(limit = '', shared = true): Inspector {
  const registries = loopbackRegistries(limit);
  return replicas.create({ clock, registries, ...(shared && { redis: sharedRedis(redis) }) });
}

const inspect = (inspector: Inspector, at: number): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/app-${at}:v1`, budgetMs: 10_000 });

const limited = { kind: 'unresolved', reason: 'RateLimited' };

describe('K5 limits', () => {
  test.each([
    ['alone', false],
    ['with Redis', true],
  ])('K5 after a 429, no request is sent before the time to retry, %s', async (_, shared) => {
    const inspector = replica('', shared);
    registry.fault = () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
    expect(await inspect(inspector, 0)).toMatchObject(limited);
    registry.fault = () => undefined;
    expect(await inspect(inspector, 1)).toMatchObject(limited);
    expect(registry.requests).toHaveLength(1);
    clock.shiftMs = 599_000;
    expect(await inspect(inspector, 2)).toMatchObject(limited);
    expect(registry.requests).toHaveLength(1);
  });

  test('K5 a 429 blocks the host for all replicas', async () => {
    const [first, second] = [replica(), replica()];
    registry.fault = () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
    await inspect(first, 0);
    registry.fault = () => undefined;
    const blocked = await inspect(second, 1);
    expect(blocked).toMatchObject(limited);
    expect(blocked.kind === 'unresolved' && (blocked.retryAtMs ?? 0) - Date.now()).toBeGreaterThan(590_000);
    expect(registry.requests).toHaveLength(1);
  });

  test('K5 an exhausted quota in the headers of a response blocks the host', async () => {
    const inspector = replica();
    const { body, mediaType } = image.manifest;
    const headers = { 'content-type': mediaType, 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' };
    registry.fault = () => ({ kind: 'answer', status: 200, headers, body });
    expect(await inspect(inspector, 0)).toMatchObject({ kind: 'resolved' });
    expect(await inspect(inspector, 1)).toMatchObject(limited);
    expect(registry.requests).toHaveLength(1);
  });

  test('K5 a configured limit applies to all replicas together; a request that would wait too long is rejected', async () => {
    const limit = 'requestLimit: {perSecond: 2, burst: 5}';
    const both = [replica(limit), replica(limit)];
    const all = await Promise.all(Array.from({ length: 30 }, (_, at) => inspect(both[at % 2]!, at)));
    // 5 immediately, 4 within the longest wait of 2 s, and the tokens that were refilled meanwhile.
    const answered = all.filter(({ kind }) => kind === 'resolved').length;
    expect(answered).toBeGreaterThanOrEqual(9);
    expect(answered).toBeLessThanOrEqual(15);
    expect(registry.requests).toHaveLength(answered);
  });

  test('K5 five failures of a host open its breaker, not that of other hosts', async () => {
    const other = await new FakeRegistry().start();
    other.push('app', 'v1', image);
    const inspector = replica('', false);
    registry.fault = () => ({ kind: 'answer', status: 503 });
    for (let at = 0; at < 5; at += 1) expect(await inspect(inspector, at)).toMatchObject({ reason: 'Unavailable' });
    expect(await inspect(inspector, 5)).toMatchObject({ reason: 'Unavailable' });
    expect(registry.requests).toHaveLength(5);
    clock.shiftMs = 31_000;
    expect(await inspect(inspector, 6)).toMatchObject({ reason: 'Unavailable' });
    expect(await inspect(inspector, 7)).toMatchObject({ reason: 'BreakerOpen' });
    expect(registry.requests).toHaveLength(6);
    expect(await inspector.inspect({ reference: `${other.host}/app:v1`, budgetMs: 5_000 })).toMatchObject({
      kind: 'resolved',
    });
    registry.fault = () => undefined;
    clock.shiftMs = 40_000;
    expect(await inspect(inspector, 5)).toMatchObject({ kind: 'resolved' });
    await other.stop();
  });

  test('K6 an invalid limit in Redis counts as a full bucket', async () => {
    const limit = 'requestLimit: {perSecond: 2, burst: 5}';
    await inspect(replica(limit), 0);
    const key = [...(await redis.keys()).keys()].find((name) => name.includes(':limit:')) ?? '';
    await redis.command('DEL', key);
    await redis.command('SET', key, 'garbage');
    expect(await inspect(replica(limit), 1)).toMatchObject({ kind: 'resolved' });
    await redis.command('HSET', key, 'until', '99999999999999', 'tokens', 'many', 'at', 'never');
    expect(await inspect(replica(limit), 2)).toMatchObject({ kind: 'resolved' });
  });
});
