import type { Clock } from '@archpolicy/async';
import type { RegistryMetrics } from '../../metrics.ts';
import type { Logger } from '../../logger.ts';
import { MAX_VALUE_LENGTH } from '../encrypted-value.ts';
import type { Bucket, LockOutcome, Reservation, SharedStore } from '../shared-store.ts';
import { createConnections } from './connection.ts';
import { ResilientClient } from './resilient-client.ts';
import type { RedisClient } from './resilient-client.ts';
import { BLOCK, EXTEND, RESERVE, UNLOCK } from './scripts.ts';
import type { RedisTarget } from './target.ts';

/** How long one command may delay an inspection (K7). */
const COMMAND_TIMEOUT_MS = 50;
/** Maximum duration of a block. It equals the cap of Retry-After, so a longer block in Redis is invalid. */
const MAX_BLOCK_MS = 6 * 60 * 60_000;

/** Stands for a reply that is no value. */
const EMPTY = Buffer.alloc(0);

interface StoreParts {
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  readonly logger: Logger;
}

/**
 * The shared cache (L2) in Redis. Redis may be down, slow, flushed, failed over or read-only at any time. This only
 * makes inspections slower (K7).
 */
export class RedisStore implements SharedStore {
  readonly #client: ResilientClient;
  readonly #metrics: RegistryMetrics;
  readonly #isCluster: boolean;

  constructor(target: RedisTarget, { clock, metrics, logger }: StoreParts, commandTimeoutMs = COMMAND_TIMEOUT_MS) {
    const onCommand = metrics.redisCommand;
    this.#client = new ResilientClient({
      connect: createConnections(target),
      ...{ clock, logger, commandTimeoutMs, onCommand },
    });
    metrics.watchRedis(() => this.#client.isUp);
    this.#metrics = metrics;
    this.#isCluster = target.kind === 'cluster';
    // Connect early: without a connection, the first inspections would send requests to registries.
    this.#client.start();
  }

  /**
   * Reads the values of keys. In a Cluster, sends one command for each key, so that the replies of other nodes do not
   * wait for a node that hangs.
   */
  async get(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const groups = this.#isCluster ? keys.map((key) => [key]) : [keys];
    const read = await Promise.all(groups.map((group) => this.#getTogether(group)));
    return read.flat();
  }

  async #getTogether(keys: readonly string[]): Promise<readonly (Buffer | undefined)[]> {
    const values = await this.#run((client) => getAll(client, keys));
    return keys.map((_, at) => (values?.[at]?.length === 0 ? undefined : values?.[at]));
  }

  async remainingMs(keys: readonly string[]): Promise<readonly (number | undefined)[]> {
    const read = await Promise.all(keys.map((key) => this.#run((client) => client.pttl(key))));
    // Negative: the key is absent, or has no expiry.
    return read.map((ms) => (ms === undefined || ms < 0 ? undefined : ms));
  }

  async set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    await this.#run((client) => client.set(key, value, 'PX', Math.ceil(ttlMs)));
  }

  async lock(key: string, token: string, ttlMs: number): Promise<LockOutcome> {
    const answer = await this.#run(async (client) => (await client.set(key, token, 'PX', ttlMs, 'NX')) ?? 'busy');
    if (answer === undefined) return 'unavailable';
    return answer === 'OK' ? 'acquired' : 'busy';
  }

  extend(key: string, token: string, ttlMs: number): void {
    void this.#run((client) => client.eval(EXTEND, 1, key, token, ttlMs));
  }

  unlock(key: string, token: string): void {
    void this.#run((client) => client.eval(UNLOCK, 1, key, token));
  }

  async reserve(key: string, { perSecond, burst, maxWaitMs }: Bucket): Promise<Reservation | undefined> {
    const answer = await this.#run((client) => client.eval(RESERVE, 1, key, perSecond, burst, maxWaitMs, MAX_BLOCK_MS));
    if (!Array.isArray(answer)) return undefined;
    const [waitMs, blockedMs] = answer as readonly unknown[];
    if (typeof waitMs !== 'number' || typeof blockedMs !== 'number') return undefined;
    return { waitMs, blockedMs };
  }

  block(key: string, forMs: number): void {
    void this.#run((client) => client.eval(BLOCK, 1, key, Math.ceil(Math.min(forMs, MAX_BLOCK_MS)), MAX_BLOCK_MS));
  }

  close(): void {
    this.#client.close();
  }

  async #run<T>(command: (client: RedisClient) => Promise<T>): Promise<T | undefined> {
    const reply = await this.#client.run(command);
    if (reply.kind === 'reply') return reply.value;
    this.#metrics.cache({ level: 'redis', outcome: 'error' });
    return undefined;
  }
}

/** Reads values, in one write to the connection. @throws the error reply for the first key that failed */
async function getAll(client: RedisClient, keys: readonly string[]): Promise<readonly Buffer[]> {
  // Read one byte more than the maximum length, which shows that a value is too long.
  const [only] = keys;
  if (keys.length === 1 && only !== undefined)
    return [toBuffer(await client.getrangeBuffer(only, 0, MAX_VALUE_LENGTH))];
  const pipeline = client.pipeline();
  for (const key of keys) pipeline.getrangeBuffer(key, 0, MAX_VALUE_LENGTH);
  const answers = (await pipeline.exec()) ?? [];
  const error = answers.find(([failure]) => failure !== null)?.[0];
  if (error !== undefined && error !== null) throw error;
  return answers.map(([, value]) => toBuffer(value));
}

/** Redis may send a reply of any type. */
function toBuffer(reply: unknown): Buffer {
  return Buffer.isBuffer(reply) ? reply : EMPTY;
}
