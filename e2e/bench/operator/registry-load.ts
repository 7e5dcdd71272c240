import { setTimeout as delay } from 'node:timers/promises';
import { FakeRegistry, freePort, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import type { Figure } from './figures.ts';
import { startManyPods } from './many-pods-server.ts';
import type { ManyPodsServer } from './many-pods-server.ts';
import { startOperator } from './operator-process.ts';

const IMAGES = 5_000;
const WATCHED_MS = 60_000;
/** Number of cached images. At the default rate, inspecting 100 images takes half a minute. */
const CACHED_IMAGES = 100;
const CACHED_TIMEOUT_MS = 120_000;
const SECOND_MS = 1_000;
/**
 * Maximum number of requests in ten seconds: 5 per second, and one at the end of the interval. A shorter interval would
 * measure the lateness of timers.
 */
const MAX_IN_TEN_SECONDS = 51;
const CACHE_KEY = 'the cache key of the bench, which is no secret';

/**
 * Counts the requests after the start of an operator, once with 5,000 new images and once with images that are cached
 * in Redis.
 */
export async function registryLoad(): Promise<readonly Figure[]> {
  const registry = await new FakeRegistry().start();
  const redis = await new RedisNode().start();
  const times: number[] = [];
  registry.fault = () => {
    times.push(performance.now());
    return undefined;
  };
  try {
    push(registry, IMAGES);
    await withPods(registry, IMAGES, async (server) => {
      await withOperator(server.env, () => delay(WATCHED_MS));
    });
    const cold = maxInTenSeconds(times);
    const all = times.length;
    registry.forgetRequests();
    const shared = { ARCHPOLICY_REDIS_URL: redis.url, ARCHPOLICY_CACHE_KEY: CACHE_KEY };
    const restart = await withPods(registry, CACHED_IMAGES, async ({ env }) => {
      await withOperator({ ...env, ...shared }, () => waitUntilRead(registry));
      registry.forgetRequests();
      await withOperator({ ...env, ...shared }, () => delay(WATCHED_MS / 2));
      return registry.count('GET', '/manifests/');
    });
    return [
      {
        name: '5,000 new images: maximum requests to their registry in any ten seconds',
        unit: 'requests',
        value: cold,
        max: MAX_IN_TEN_SECONDS,
      },
      { name: '5,000 new images: requests in the first minute', unit: 'requests', value: all },
      { name: 'restart with all images in Redis: manifest GETs', unit: 'requests', value: restart, max: 0 },
    ];
  } finally {
    await Promise.all([registry.stop(), redis.stop()]);
  }
}

/** Number of namespaces. many-pods.ts gives them their names. */
const NAMESPACES = 2;

function push(registry: FakeRegistry, images: number): void {
  for (let at = 0; at < images; at += 1) {
    const image = multiPlatformImage(['linux/amd64', 'linux/arm64'], String(at));
    registry.push(`team-${at % NAMESPACES}/service-${at}`, 'v3', image);
  }
}

async function withPods<T>(
  registry: FakeRegistry,
  images: number,
  run: (server: ManyPodsServer) => Promise<T>,
): Promise<T> {
  const size = { pods: images, nodes: 10, namespaces: NAMESPACES, workloads: images, crashing: 0 };
  const server = await startManyPods({ ...size, registry: registry.host });
  try {
    return await run(server);
  } finally {
    await server.stop();
  }
}

/** Runs an operator for the duration of `run`. */
async function withOperator(env: Readonly<Record<string, string>>, run: () => Promise<void>): Promise<void> {
  const operator = startOperator(env, await freePort());
  try {
    await operator.ready();
    await run();
  } finally {
    await operator.stop();
  }
}

async function waitUntilRead(registry: FakeRegistry): Promise<void> {
  const deadline = performance.now() + CACHED_TIMEOUT_MS;
  while (registry.count('GET', '/manifests/') < CACHED_IMAGES) {
    if (performance.now() > deadline) throw new Error('the images were not read in time');
    await delay(SECOND_MS);
  }
  // The last result is still being written to Redis.
  await delay(SECOND_MS);
}

function maxInTenSeconds(times: readonly number[]): number {
  return Math.max(0, ...times.map((begin) => times.filter((at) => at >= begin && at < begin + 10 * SECOND_MS).length));
}
