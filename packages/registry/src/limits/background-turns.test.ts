import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { Sealer } from '../cache/seal.ts';
import { NO_SHARED_STORE } from '../cache/shared-store.ts';
import type { SharedStore } from '../cache/shared-store.ts';
import type { RequestLimit } from '../config/schema.ts';
import { BackgroundTurns } from './background-turns.ts';
import { TokenBucket } from './token-bucket.ts';

const never = new AbortController().signal;
const sealer = new Sealer('cache key');
let clock: FakeClock;
let turns: BackgroundTurns;

beforeEach(() => {
  clock = new FakeClock();
  turns = new BackgroundTurns({ store: NO_SHARED_STORE, sealer, clock });
});

/** When each of some inspections has its turn, milliseconds from now; undefined: it was sent away. */
async function times(
  count: number,
  host = 'docker.io',
  limit?: RequestLimit,
): Promise<readonly (number | undefined)[]> {
  const all = Promise.all(
    Array.from({ length: count }, async () => {
      const refusal = await turns.take(host, limit, never);
      return refusal === undefined ? clock.monotonic() : undefined;
    }),
  );
  await clock.advance(60_000);
  return all;
}

describe('K5 inspections that no pod waits for', () => {
  test('K5 take turns: five at once, then five a second', async () => {
    expect(await times(12)).toEqual([0, 0, 0, 0, 0, 200, 400, 600, 800, 1_000, 1_200, 1_400]);
  });

  test('K5 take at most half of a configured limit', async () => {
    expect(await times(4, 'docker.io', { perSecond: 2, burst: 100 })).toEqual([0, 1_000, 2_000, 3_000]);
    expect(await times(3, 'quay.io', { perSecond: 0.5, burst: 1 })).toEqual([60_000, 64_000, 68_000]);
  });

  test('K5 take turns at each host apart', async () => {
    const [one, other] = await Promise.all([times(6, 'docker.io'), turns.take('quay.io', undefined, never)]);
    expect(one[5]).toBe(200);
    expect(other).toBeUndefined();
  });

  test('K5 who would wait longer than 10 s is told when to come back', async () => {
    const all = await times(60);
    expect(all.filter((at) => at !== undefined)).toHaveLength(55);
    expect(Math.max(...all.filter((at) => at !== undefined))).toBe(10_000);
    for (let taken = 0; taken < 55; taken += 1) void turns.take('docker.io', undefined, never);
    expect(await turns.take('docker.io', undefined, never)).toEqual({
      kind: 'failed',
      reason: 'RateLimited',
      retryAtMs: clock.now() + 10_200,
    });
  });

  test('K5 who gives up is no failure of the registry', async () => {
    await times(0);
    for (let taken = 0; taken < 5; taken += 1) await turns.take('docker.io', undefined, never);
    const controller = new AbortController();
    const turn = turns.take('docker.io', undefined, controller.signal);
    await clock.somebodySleeps();
    controller.abort();
    expect(await turn).toEqual({ kind: 'failed', reason: 'Deadline' });
  });

  test('K5 replicas that share a store take turns together', async () => {
    const bucket = new TokenBucket(5, 0);
    const names = new Set<string>();
    const store: SharedStore = {
      ...NO_SHARED_STORE,
      takePlace: (name, wanted) => {
        names.add(name);
        return Promise.resolve({ waitMs: bucket.take(wanted, clock.monotonic()), blockedMs: 0 });
      },
    };
    turns = new BackgroundTurns({ store, sealer, clock });
    const other = new BackgroundTurns({ store, sealer, clock });
    const others = other.take('docker.io', undefined, never).then(() => clock.monotonic());
    expect(await times(5)).toEqual([0, 0, 0, 0, 200]);
    expect(await others).toBe(0);
    expect([...names]).toEqual([sealer.name('limit', 'background docker.io')]);
  });
});
