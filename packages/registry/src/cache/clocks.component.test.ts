import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Inspection } from '@archpolicy/core';
import { FakeRegistry, multiPlatformImage, RedisNode } from '@archpolicy/testkit';
import { createShiftedClock } from '../fixtures/clocks.ts';
import type { ShiftedClock } from '../fixtures/clocks.ts';
import { Replicas, sharedRedis } from '../fixtures/replicas.ts';
import type { Inspector } from '../inspect/inspector.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const before = multiPlatformImage(['linux/amd64']);
const after = multiPlatformImage(['linux/arm64']);

let registry: FakeRegistry;
let redis: RedisNode;
const replicas = new Replicas();

beforeEach(async () => {
  [registry, redis] = await Promise.all([new FakeRegistry().start(), new RedisNode().start()]);
  registry.push('app', 'v1', before);
});

afterEach(async () => {
  await replicas.close();
  await Promise.all([registry.stop(), redis.stop()]);
});

const replica = (clock: ShiftedClock): Inspector => replicas.create({ clock, redis: sharedRedis(redis) });

function shiftedBy(ms: number): ShiftedClock {
  const clock = createShiftedClock();
  clock.shiftMs = ms;
  return clock;
}

const inspect = (inspector: Inspector): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/app:v1`, budgetMs: 5_000 });

/** Waits until the tag, its record for any scope, and the facts are stored. */
async function waitUntilStored(): Promise<void> {
  while ([...(await redis.keys()).keys()].filter((key) => !key.includes(':lock:')).length < 3) await delay(5);
}

describe('K3 a replica whose clock is fast', () => {
  test.each([0, 1 * MINUTE_MS, 60 * MINUTE_MS, 179 * MINUTE_MS, 181 * MINUTE_MS, 189 * MINUTE_MS])(
    'K3 never makes an old digest fresh for another replica (%d ms after its confirmation)',
    async (passedMs) => {
      await inspect(replica(shiftedBy(3 * HOUR_MS)));
      await waitUntilStored();
      // The time has passed for the store, too.
      for (const [key, ms] of await redis.keys()) await redis.command('PEXPIRE', key, Math.max(1, ms - passedMs));
      registry.push('app', 'v1', after);
      const inspection = await inspect(replica(shiftedBy(passedMs)));
      expect(inspection).toMatchObject({ facts: { digest: after.manifest.digest } });
    },
  );

  test('K3 costs one HEAD for a tag that has not moved, of all other replicas', async () => {
    await inspect(replica(shiftedBy(3 * HOUR_MS)));
    await waitUntilStored();
    registry.forgetRequests();
    const right = replica(shiftedBy(0));
    expect(await inspect(right)).toMatchObject({ facts: { digest: before.manifest.digest } });
    expect(registry.lines).toEqual(['HEAD /v2/app/manifests/v1']);
    expect(await inspect(right)).toMatchObject({ facts: { digest: before.manifest.digest } });
    expect(registry.lines).toHaveLength(1);
  });

  test('K3 leaves an answer for the time in which the registry does not answer', async () => {
    await inspect(replica(shiftedBy(3 * HOUR_MS)));
    await waitUntilStored();
    registry.fault = () => ({ kind: 'reset' });
    expect(await inspect(replica(shiftedBy(0)))).toMatchObject({ kind: 'resolved', ageMs: expect.any(Number) });
  });

  test('K3 K4 clocks that differ by less than a second cost no request', async () => {
    await inspect(replica(shiftedBy(500)));
    await waitUntilStored();
    registry.forgetRequests();
    expect(await inspect(replica(shiftedBy(0)))).toMatchObject({ kind: 'resolved', source: 'redis' });
    expect(registry.lines).toEqual([]);
  });

  test('K3 our own clock set back costs one HEAD', async () => {
    const clock = shiftedBy(3 * HOUR_MS);
    const inspector = replica(clock);
    await inspect(inspector);
    registry.push('app', 'v1', after);
    clock.shiftMs = 0;
    expect(await inspect(inspector)).toMatchObject({ facts: { digest: after.manifest.digest } });
  });
});
