import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { basicAccess, dockerConfigJson, FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { PullSecret } from '../auth/credential.ts';
import { createShiftedClock } from '../fixtures/clocks.ts';
import { Replicas, sharedRedis } from '../fixtures/replicas.ts';
import type { Inspector } from '../inspect/inspector.ts';
import type { PlatformCheck } from '../inspect/platform-checker.ts';
import { NO_METRICS } from '../metrics.ts';

// Sockets are slow on a busy machine.
jest.setTimeout(60_000);

const image = multiPlatformImage(['linux/amd64', 'linux/arm64']);
const { digest } = image.manifest;
const [amd64] = image.children;

const clock = createShiftedClock();

let registry: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();
let discarded: number;

beforeEach(async () => {
  [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  registry.push('app', 'v1', image);
  registry.access = basicAccess(['alice:a', 'bob:b']);
  registry.fault = ({ path }) => (path.endsWith(amd64!.digest) ? { kind: 'answer', status: 404 } : undefined);
  [discarded, clock.shiftMs] = [0, 0];
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([registry.stop(), redis.stop()]);
});

/** Creates one of several processes that share the Redis. */
function replica(): Inspector {
  const metrics = { ...NO_METRICS, discarded: () => void (discarded += 1) };
  return replicas.create({ clock, metrics, redis: sharedRedis(redis) });
}

const pullSecretsFor = (user: string): readonly PullSecret[] => [
  { type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson({ [registry.host]: user }) },
];

/** Checks amd64 of the image with alice's credential, waits until the result is stored, and returns its key. */
async function check(inspector: Inspector, reference: string): Promise<string> {
  const request = { reference: `${registry.host}/${reference}`, pullSecrets: pullSecretsFor('alice:a'), digest };
  const result: PlatformCheck = await inspector.checkPlatform({ ...request, os: 'linux', architecture: 'amd64' });
  expect(result).toBe('missing');
  for (;;) {
    const key = [...(await redis.keys()).keys()].find((name) => name.includes(':missing:'));
    if (key !== undefined) return key;
    await delay(5);
  }
}

/** Returns the missing architectures of an inspection. */
async function missing(inspector: Inspector, reference: string, user = 'alice:a'): Promise<readonly string[]> {
  const request = { reference: `${registry.host}/${reference}`, pullSecrets: pullSecretsFor(user), budgetMs: 5_000 };
  const inspection = await inspector.inspect(request);
  if (inspection.kind === 'unresolved') throw new Error(inspection.reason);
  return (inspection.facts.missing ?? []).map(({ architecture }) => architecture);
}

test('I9 K1 another replica reads a missing platform before it revalidates the tag, and a new replica immediately', async () => {
  const [operator, webhook] = [replica(), replica()];
  expect(await missing(webhook, 'app:v1')).toEqual([]);
  await check(operator, 'app:v1');
  expect(await missing(operator, 'app:v1')).toEqual(['amd64']);
  expect(await missing(webhook, 'app:v1')).toEqual([]);
  clock.shiftMs = 10 * 60_000;
  expect(await missing(webhook, 'app:v1')).toEqual(['amd64']);
  expect(await missing(replica(), 'app:v1')).toEqual(['amd64']);
});

test('I9 K3 another replica reads it for a reference by digest after 10 minutes, without a request to the registry', async () => {
  const reference = `app@${digest}`;
  const [operator, webhook] = [replica(), replica()];
  expect(await missing(webhook, reference)).toEqual([]);
  await check(operator, reference);
  registry.forgetRequests();
  expect(await missing(webhook, reference)).toEqual([]);
  clock.shiftMs = 10 * 60_000;
  expect(await missing(webhook, reference)).toEqual(['amd64']);
  expect(registry.lines).toEqual([]);
});

test('I9 K2 a missing platform does not apply to another credential', async () => {
  await check(replica(), 'app:v1');
  expect(await missing(replica(), 'app:v1', 'bob:b')).toEqual([]);
});

test.each<[string, (value: Buffer) => Buffer]>([
  ['with another byte', (value) => Buffer.concat([value.subarray(0, 20), Buffer.from('x'), value.subarray(21)])],
  ['without its nonce', (value) => value.subarray(12)],
  ['that is garbage', () => Buffer.from('x')],
])('I9 K6 a value %s is a miss', async (_, change) => {
  const key = await check(replica(), 'app:v1');
  await redis.command('SET', key, change(await redis.value(key)), 'PX', 100_000);
  expect(await missing(replica(), 'app:v1')).toEqual([]);
  expect(discarded).toBeGreaterThan(0);
});
