import { Socket } from 'node:net';
import { FakeClock, singleImage } from '@archpolicy/testkit';
import { untilSettled } from '@archpolicy/testkit/fuzz';
import type { CountedClass, FuzzTarget } from '@archpolicy/testkit/fuzz';
import { RedisStore } from '../../src/cache/redis/store.ts';
import { parseRedisUrl } from '../../src/cache/redis/target.ts';
import type { SharedStore } from '../../src/cache/shared-store.ts';
import { createInspector } from '../../src/create-inspector.ts';
import { NO_LOGGER } from '../../src/logger.ts';
import { NO_METRICS } from '../../src/metrics.ts';
import type { Sender } from '../../src/senders/sender.ts';
import { REDIS_AXES } from './axes.ts';
import type { RedisAxes, RedisChoice } from './axes.ts';
import { FuzzedRedis } from './server.ts';
import type { RedisCase } from './server.ts';

const KEY = 'key';
const TOKEN = 'token';
const TTL_MS = 60_000;
const COMMAND_TIMEOUT_MS = 50;
const BUDGET_MS = 30_000;
/** Longer than a command and a connection may take. */
const LATER_MS = 1_000;
/** Longer than ioredis waits for a connection that is being opened when it is closed. */
const LIBRARY_TIMEOUTS_MS = 20_000;
const BUCKET = { perSecond: 1, burst: 1, maxWaitMs: 1_000 };

const OUTCOMES = [
  'value',
  'no value',
  'done',
  'acquired',
  'busy',
  'unavailable',
  'reserved',
  'no reservation',
  'resolved',
  'RateLimited',
];

const show = (values: readonly (Buffer | undefined)[]): string =>
  values.every((value) => value === undefined) ? 'no value' : 'value';

/** The operations of the shared store, with their outcomes. */
const OPERATIONS: Readonly<
  Record<Exclude<RedisChoice['operation'], 'inspection'>, (store: SharedStore) => Promise<string>>
> = {
  get: async (store) => show(await store.get([KEY])),
  'get two': async (store) => show(await store.get([KEY, 'another'])),
  set: async (store) => {
    await store.set(KEY, Buffer.from('value'), TTL_MS);
    return 'done';
  },
  lock: (store) => store.lock(KEY, TOKEN, TTL_MS),
  reserve: async (store) => ((await store.reserve(KEY, BUCKET)) === undefined ? 'no reservation' : 'reserved'),
  // These return nothing. The reply to the later operation comes after theirs.
  extend: async (store) => {
    store.extend(KEY, TOKEN, TTL_MS);
    return show(await store.get([KEY]));
  },
  unlock: async (store) => {
    store.unlock(KEY, TOKEN);
    return show(await store.get([KEY]));
  },
  block: async (store) => {
    store.block(KEY, TTL_MS);
    return show(await store.get([KEY]));
  },
};

/** Replies of Redis, Sentinels and Clusters to the shared store, and to an inspector that uses it. */
export class RedisTarget implements FuzzTarget<RedisAxes> {
  readonly name = 'redis';
  readonly axes = REDIS_AXES;
  readonly even = ['form', 'operation', 'command', 'reply'] as const;
  readonly outcomes: ReadonlySet<string> = new Set(OUTCOMES);
  readonly batchSize = 120;
  readonly lingerMs = LIBRARY_TIMEOUTS_MS;
  readonly counted: readonly CountedClass[] = [Socket, Uint8Array];
  readonly #redis = new FuzzedRedis();

  start(): Promise<void> {
    return this.#redis.start();
  }

  stop(): Promise<void> {
    return this.#redis.stop();
  }

  readonly connections = (): number => this.#redis.connections;

  async run(cases: readonly RedisCase[]): Promise<readonly string[]> {
    this.#redis.serve(cases);
    const clock = new FakeClock();
    return untilSettled(
      cases.map((one) => this.#run(one, clock)),
      { progress: () => this.#redis.events, advance: () => clock.advance(LATER_MS) },
    );
  }

  async #run(one: RedisCase, clock: FakeClock): Promise<string> {
    const { operation } = one.choice;
    const url = this.#redis.url(one);
    if (operation === 'inspection') return inspect(url, clock);
    const parts = { clock, metrics: NO_METRICS, logger: NO_LOGGER };
    const store = new RedisStore(parseRedisUrl(url), parts, COMMAND_TIMEOUT_MS);
    const outcome = await OPERATIONS[operation](store);
    store.close();
    return outcome;
  }
}

/** Inspects an image of a registry that works. Redis can delay it by a block of the host, and change nothing else (K7). */
async function inspect(url: string, clock: FakeClock): Promise<string> {
  const redis = { url, cacheKey: 'fuzz', commandTimeoutMs: COMMAND_TIMEOUT_MS };
  const memory = { factsBytes: 10_000, tagsBytes: 10_000 };
  const inspector = createInspector({ clock, redis, memory, sender: REGISTRY });
  const inspection = await inspector.inspect({ reference: 'registry.example/app:v1', budgetMs: BUDGET_MS });
  await inspector.close();
  return inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
}

const IMAGE = singleImage('linux/arm64');

/** A registry without a network. */
const REGISTRY: Sender = {
  send: ({ url }) => {
    const isBlob = url.pathname.includes('/blobs/');
    const body = (isBlob ? IMAGE.blobs[0] : IMAGE.manifest)?.body ?? new Uint8Array();
    return Promise.resolve({ kind: 'response', status: 200, headers: {}, redirects: 0, body });
  },
};
