import type { Cluster, Redis } from 'ioredis';
import type { RegistryMetrics } from '../metrics.ts';
import type { Clock, Logger } from '../ports.ts';
import { COMMAND_TIMEOUT_MS, CONNECT_TIMEOUT_MS, createRedisClient } from './redis-client.ts';
import { BLOCK, EXTEND, TAKE_PLACE, UNLOCK } from './redis-scripts.ts';
import type { RedisTarget } from './redis-target.ts';
import type { Bucket, LockOutcome, Place, SharedStore } from './shared-store.ts';

/** Two in a row are no accident. */
const FAILURES_TO_OPEN = 2;
/** While Redis is away nobody waits for it; every so often one command tries. */
const OPEN_MS = 1_000;
/** A bucket that nobody took from for so long is full. */
const BUCKET_TTL_MS = 10 * 60_000;
/** No registry asks for more (the cap of Retry-After); more was not written by us. */
const MAX_BLOCK_MS = 6 * 60 * 60_000;

interface StoreParts {
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
  readonly logger: Logger;
}

/** L2: a Redis that may be down, slow, flushed, failed over or read-only at any time, and costs speed alone (K7). */
export class RedisStore implements SharedStore {
  readonly #client: Redis | Cluster;
  readonly #parts: StoreParts;
  readonly #closing = new AbortController();
  readonly #started: Promise<void>;
  #failures = 0;
  #openUntilMs = 0;

  constructor(target: RedisTarget, parts: StoreParts, commandTimeoutMs = COMMAND_TIMEOUT_MS) {
    this.#client = createRedisClient(target, commandTimeoutMs);
    this.#parts = parts;
    // Without a listener an error would end the process. Its fields hold commands, AUTH included: none is logged.
    this.#client.on('error', () => {
      parts.logger.debug({}, 'redis connection error');
    });
    // A process that just started would ask registries for what Redis knows: it waits for the first connection, once.
    this.#started = Promise.race([
      this.#client.connect(),
      parts.clock.sleep(CONNECT_TIMEOUT_MS, this.#closing.signal),
    ]).then(
      () => undefined,
      () => undefined,
    );
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#try(() => this.#client.get(key));
    return value ?? undefined;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#write(() => this.#client.set(key, value, 'PX', Math.ceil(ttlMs)));
  }

  async lock(key: string, token: string, ttlMs: number): Promise<LockOutcome> {
    const answer = await this.#write(() => this.#client.set(key, token, 'PX', ttlMs, 'NX'));
    if (answer === undefined) return 'unavailable';
    return answer === 'OK' ? 'taken' : 'busy';
  }

  extend(key: string, token: string, ttlMs: number): void {
    void this.#write(() => this.#client.eval(EXTEND, 1, key, token, ttlMs));
  }

  unlock(key: string, token: string): void {
    void this.#write(() => this.#client.eval(UNLOCK, 1, key, token));
  }

  async takePlace(key: string, { perSecond, burst, maxWaitMs }: Bucket): Promise<Place | undefined> {
    const answer = await this.#write(() =>
      this.#client.eval(TAKE_PLACE, 1, key, perSecond, burst, maxWaitMs, BUCKET_TTL_MS),
    );
    if (!Array.isArray(answer)) return undefined;
    const [waitMs, blockedMs] = answer as readonly unknown[];
    if (typeof waitMs !== 'number' || typeof blockedMs !== 'number') return undefined;
    return { waitMs, blockedMs: Math.min(blockedMs, MAX_BLOCK_MS) };
  }

  block(key: string, forMs: number): void {
    void this.#write(() => this.#client.eval(BLOCK, 1, key, Math.ceil(Math.min(forMs, MAX_BLOCK_MS))));
  }

  close(): void {
    this.#closing.abort();
    this.#client.disconnect();
  }

  /** A command whose failure says that Redis is away. */
  async #try<T>(command: () => Promise<T>): Promise<T | undefined> {
    await this.#started;
    if (this.#isOpen()) return undefined;
    try {
      const result = await command();
      this.#succeeded();
      return result;
    } catch {
      this.#failed();
      return undefined;
    }
  }

  /** A command that a read-only Redis refuses although it answers: the answer counts as a sign of life. */
  async #write<T>(command: () => Promise<T>): Promise<T | undefined> {
    return this.#try(async () => {
      try {
        return await command();
      } catch (error) {
        if (error instanceof Error && error.name === 'ReplyError') {
          this.#parts.metrics.cache({ level: 'redis', outcome: 'error' });
          return undefined;
        }
        throw error;
      }
    });
  }

  #isOpen(): boolean {
    const now = this.#parts.clock.monotonic();
    if (now < this.#openUntilMs) return true;
    // This one tries; the others go on without until it has come back.
    if (this.#failures >= FAILURES_TO_OPEN) this.#openUntilMs = now + OPEN_MS;
    return false;
  }

  #succeeded(): void {
    if (this.#failures >= FAILURES_TO_OPEN) this.#parts.logger.info({}, 'redis answers again');
    this.#failures = 0;
    this.#openUntilMs = 0;
  }

  #failed(): void {
    this.#parts.metrics.cache({ level: 'redis', outcome: 'error' });
    this.#failures += 1;
    if (this.#failures < FAILURES_TO_OPEN) return;
    if (this.#failures === FAILURES_TO_OPEN) this.#parts.logger.warn({}, 'redis does not answer, going on without');
    this.#openUntilMs = this.#parts.clock.monotonic() + OPEN_MS;
  }
}
