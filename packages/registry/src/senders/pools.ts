import { LRUCache } from 'lru-cache';
import type { ConnectionSettings } from '../config/host-settings.ts';
import { OriginPool } from './origin-pool.ts';
import type { HostNames } from './origin-pool.ts';

/**
 * Maximum number of hosts with open connections, because tenants choose hosts. If there are more, the connections of
 * the least recently used host are closed.
 */
const MAX_LIVE_HOSTS = 64;

/** Holds the connections, by origin and settings, and bounds their number. */
export class Pools {
  readonly #pools: LRUCache<string, OriginPool>;
  /** Evicted pools whose requests are still in flight. */
  readonly #closing = new Set<OriginPool>();
  readonly #names: HostNames;

  constructor(names: HostNames) {
    this.#names = names;
    this.#pools = new LRUCache({ max: MAX_LIVE_HOSTS, dispose: (pool) => void this.#retire(pool) });
  }

  get(origin: string, settings: ConnectionSettings): OriginPool {
    const key = `${origin} ${JSON.stringify(settings)}`;
    const existing = this.#pools.get(key);
    if (existing !== undefined) return existing;
    const pool = new OriginPool(origin, settings, this.#names);
    this.#pools.set(key, pool);
    return pool;
  }

  /** Ends all connections, and aborts requests in flight. */
  async close(): Promise<void> {
    this.#pools.clear();
    await Promise.all([...this.#closing].map((pool) => pool.destroy()));
  }

  /** Closes a pool after its requests in flight. */
  async #retire(pool: OriginPool): Promise<void> {
    this.#closing.add(pool);
    await pool.close().catch(() => undefined);
    this.#closing.delete(pool);
  }
}
