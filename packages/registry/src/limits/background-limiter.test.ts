import { beforeEach, describe, expect, test } from '@jest/globals';
import { TokenBucket } from '@archpolicy/async';
import { FakeClock } from '@archpolicy/testkit';
import { CacheSecret } from '../cache/cache-secret.ts';
import { CacheKeys } from '../cache/cache-keys.ts';
import { NO_SHARED_STORE } from '../cache/shared-store.ts';
import type { SharedStore } from '../cache/shared-store.ts';
import { DEFAULT_REGISTRIES } from '../config/registries.ts';
import type { RequestLimit } from '../config/schema.ts';
import { limitsFor } from '../config/host-settings.ts';
import { BackgroundLimiter } from './background-limiter.ts';
import { BackgroundPermit } from './background-permit.ts';
import { reserveLocally } from './reserve-locally.ts';

const never = new AbortController().signal;
const keys = new CacheKeys(new CacheSecret('cache key'));
const DOCKER = { limits: limitsFor('docker.io', DEFAULT_REGISTRIES), priority: 'new', signal: never } as const;
let clock: FakeClock;
let limiter: BackgroundLimiter;

beforeEach(() => {
  clock = new FakeClock();
  limiter = new BackgroundLimiter({ store: NO_SHARED_STORE, keys, clock });
});

/** Returns when each inspection has its permit (milliseconds from now), or undefined if it is rejected. */
async function times(
  count: number,
  host = 'docker.io',
  requestLimit?: RequestLimit,
): Promise<readonly (number | undefined)[]> {
  const limits = { ...limitsFor(host, DEFAULT_REGISTRIES), ...(requestLimit !== undefined && { requestLimit }) };
  const all = Promise.all(
    Array.from({ length: count }, async () => {
      const refusal = await limiter.acquire({ limits, priority: 'new', signal: never });
      return refusal === undefined ? clock.monotonic() : undefined;
    }),
  );
  await clock.advance(60_000);
  return all;
}

describe('K5 background inspections', () => {
  test('K5 get five permits a second, without a burst', async () => {
    expect(await times(7)).toEqual([0, 200, 400, 600, 800, 1_000, 1_200]);
  });

  test('K5 use at most half of a configured limit', async () => {
    expect(await times(4, 'docker.io', { perSecond: 2, burst: 100 })).toEqual([0, 1_000, 2_000, 3_000]);
    expect(await times(3, 'quay.io', { perSecond: 0.5, burst: 1 })).toEqual([60_000, 64_000, 68_000]);
  });

  test('K5 wait for each host separately', async () => {
    const [one, other] = await Promise.all([
      times(2, 'docker.io'),
      limiter.acquire({ ...DOCKER, limits: limitsFor('quay.io', DEFAULT_REGISTRIES) }),
    ]);
    expect(one[1]).toBe(200);
    expect(other).toBeUndefined();
  });

  test('K5 a request that would wait longer than 10 s is rejected with the time to retry', async () => {
    const all = await times(60);
    expect(all.filter((at) => at !== undefined)).toHaveLength(51);
    expect(Math.max(...all.filter((at) => at !== undefined))).toBe(10_000);
    for (let taken = 0; taken < 51; taken += 1) void limiter.acquire(DOCKER);
    expect(await limiter.acquire(DOCKER)).toEqual({
      kind: 'failed',
      reason: 'RateLimited',
      retryAtMs: clock.now() + 10_200,
    });
  });

  test('K5 an aborted wait is not a failure of the registry', async () => {
    await times(0);
    await limiter.acquire(DOCKER);
    const controller = new AbortController();
    const waiting = limiter.acquire({ ...DOCKER, signal: controller.signal });
    await clock.untilSleeping();
    controller.abort();
    expect(await waiting).toEqual({ kind: 'failed', reason: 'Deadline' });
  });

  test('K5 replicas that share a store share the rate', async () => {
    const bucket = new TokenBucket(1, 0);
    const names = new Set<string>();
    const store: SharedStore = {
      ...NO_SHARED_STORE,
      reserve: (name, limit) => {
        names.add(name);
        return Promise.resolve({ waitMs: reserveLocally(bucket, limit, clock.monotonic()), blockedMs: 0 });
      },
    };
    limiter = new BackgroundLimiter({ store, keys, clock });
    const other = new BackgroundLimiter({ store, keys, clock });
    const otherReplica = other.acquire(DOCKER).then(() => clock.monotonic());
    expect(await times(3)).toEqual([200, 400, 600]);
    expect(await otherReplica).toBe(0);
    expect([...names]).toEqual([keys.cacheKey('limit', 'background docker.io', 'all-clusters')]);
  });

  test('K5 follow-up requests run before new inspections', async () => {
    const order: string[] = [];
    const wait = async (name: string, priority: 'follow-up' | 'new'): Promise<void> => {
      await limiter.acquire({ ...DOCKER, priority });
      order.push(`${name} ${clock.monotonic()}`);
    };
    const all = Promise.all([wait('a', 'new'), wait('b', 'new'), wait('a again', 'follow-up')]);
    await clock.advance(1_000);
    await all;
    // The first waiter was reserving when the third was queued.
    expect(order).toEqual(['a again 0', 'a 200', 'b 400']);
  });
});

describe('K5 the permits of one inspection', () => {
  const registries = DEFAULT_REGISTRIES;
  const target = limitsFor('docker.io', registries);

  test('K5 the first covers the first request, each further request waits', async () => {
    const permit = new BackgroundPermit(limiter, registries);
    await permit.acquireFirst('docker.io', true, never);
    const sentAtMs: number[] = [];
    const requests = async (): Promise<void> => {
      for (let request = 0; request < 3; request += 1) {
        await permit.acquire(target, never);
        sentAtMs.push(clock.monotonic());
      }
    };
    const done = requests();
    await clock.advance(1_000);
    await done;
    expect(sentAtMs).toEqual([0, 200, 400]);
  });

  test('K5 a pod that waits for the inspection promotes it', async () => {
    const permit = new BackgroundPermit(limiter, registries);
    await permit.acquireFirst('docker.io', true, never);
    await permit.acquire(target, never);
    const second = permit.acquire(target, never);
    await clock.untilSleeping();
    permit.promote();
    expect(await second).toBeUndefined();
    expect(await permit.acquire(target, never)).toBeUndefined();
    expect(clock.monotonic()).toBe(0);
  });
});
