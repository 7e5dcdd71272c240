import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import type { Inspection } from '@archpolicy/core';
import { FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { Fault } from '@archpolicy/testkit';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import { Replicas, sharedRedis } from '../fixtures/replicas.ts';
import type { Inspector } from '../inspect/inspector.ts';

/** The same name in both clusters, each of which has its own registry under it. */
const HOST = 'registry.tools.svc:1';

let amd: FakeRegistry;
let arm: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();

beforeEach(async () => {
  [amd, arm, redis] = await Promise.all([
    new FakeRegistry().start(),
    new FakeRegistry().start(),
    new RedisNode().start(),
  ]);
  amd.push('app', 'v1', multiPlatformImage(['linux/amd64']));
  arm.push('app', 'v1', multiPlatformImage(['linux/arm64']));
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([amd.stop(), arm.stop(), redis.stop()]);
});

/** Creates a process of a cluster in which `HOST` is this registry. */
function processOf(registry: FakeRegistry, clusterId: string | undefined, more = ''): Inspector {
  const entry = `{host: "${HOST}", mirrors: [{host: "${registry.host}"}], ${more}}`;
  return replicas.create({
    clock: systemClock(),
    registries: loopbackRegistries('', entry),
    // The registry itself is not reachable: its mirror answers.
    resolve: (_name, _options, callback) => {
      callback(new Error('no such name'), []);
    },
    redis: sharedRedis(redis),
    clusterId: () => clusterId,
  });
}

function inspect(inspector: Inspector, image = 'app:v1'): Promise<Inspection> {
  return inspector.inspect({ reference: `${HOST}/${image}`, budgetMs: 5_000 });
}

const platforms = (architecture: string, source: string): object => ({
  kind: 'resolved',
  source,
  facts: { platforms: [{ os: 'linux', architecture }] },
});

describe('K6 clusters that share a Redis', () => {
  test('K6 each cluster asks its own registry of a name that is not public', async () => {
    expect(await inspect(processOf(amd, 'A'))).toMatchObject(platforms('amd64', 'registry'));
    expect(await inspect(processOf(arm, 'B'))).toMatchObject(platforms('arm64', 'registry'));
    expect(await inspect(processOf(amd, 'A'))).toMatchObject(platforms('amd64', 'redis'));
    expect(await inspect(processOf(arm, 'B'))).toMatchObject(platforms('arm64', 'redis'));
    expect([amd.requests.length, arm.requests.length]).toEqual([1, 1]);
  });

  test('K6 an image that one cluster does not have is found in the other', async () => {
    arm.push('other', 'v1', multiPlatformImage(['linux/arm64']));
    expect(await inspect(processOf(amd, 'A'), 'other:v1')).toMatchObject({ kind: 'unresolved' });
    expect(await inspect(processOf(arm, 'B'), 'other:v1')).toMatchObject(platforms('arm64', 'registry'));
  });

  test('K6 a process that does not know its cluster neither reads nor writes what may differ', async () => {
    expect(await inspect(processOf(amd, undefined))).toMatchObject(platforms('amd64', 'registry'));
    expect(await inspect(processOf(arm, undefined))).toMatchObject(platforms('arm64', 'registry'));
    expect(await redis.keys()).toEqual(new Map());
  });

  test('K6 P4 a registry of the same name gets nothing of the facts of another cluster by claiming a digest', async () => {
    const image = multiPlatformImage(['linux/amd64']);
    amd.push('private', 'v1', image);
    expect(await inspect(processOf(amd, 'A'), `private@${image.manifest.digest}`)).toMatchObject({ kind: 'resolved' });
    const claims = (method: string): Fault => ({
      kind: 'answer',
      status: method === 'HEAD' ? 200 : 404,
      headers: { 'docker-content-digest': image.manifest.digest },
    });
    arm.fault = ({ method }) => claims(method);
    expect(await inspect(processOf(arm, 'B'), `private@${image.manifest.digest}`)).toMatchObject({
      kind: 'unresolved',
    });
  });

  test('K6 with shared: true all clusters use the same entries', async () => {
    expect(await inspect(processOf(amd, 'A', 'shared: true'))).toMatchObject(platforms('amd64', 'registry'));
    expect(await inspect(processOf(arm, 'B', 'shared: true'))).toMatchObject(platforms('amd64', 'redis'));
    expect(await inspect(processOf(arm, undefined, 'shared: true'))).toMatchObject(platforms('amd64', 'redis'));
    expect(arm.requests).toEqual([]);
  });

  test('K5 a 429 at a name that is not public blocks the host in this cluster only', async () => {
    amd.fault = () => ({ kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
    const local = (registry: FakeRegistry, clusterId: string): Promise<Inspection> =>
      processOf(registry, clusterId).inspect({ reference: `${amd.host}/app:v1`, budgetMs: 5_000 });
    expect(await local(amd, 'A')).toMatchObject({ reason: 'RateLimited' });
    expect(await local(amd, 'A')).toMatchObject({ reason: 'RateLimited' });
    expect(amd.requests).toHaveLength(1);
    amd.fault = () => undefined;
    expect(await local(amd, 'B')).toMatchObject(platforms('amd64', 'registry'));
  });
});
