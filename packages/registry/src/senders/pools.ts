import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import type { buildConnector } from 'undici';
import { guardedConnector } from '../address-guard/connector.ts';
import type { Resolve } from '../address-guard/connector.ts';
import { AddressGuard } from '../address-guard/guard.ts';
import type { ConnectionSettings } from '../config/host-settings.ts';
import { RegistryError } from '../errors.ts';

/**
 * Maximum number of connections to one host. Requests of inspections are small, with fast responses. If a registry is
 * 30 ms away, a burst of 50 new images takes four rounds over 16 connections. Together with the request for the token,
 * this takes 0.15 s of the 0.4 s of an admission. Eight connections would take seven rounds.
 */
const MAX_CONNECTIONS_PER_HOST = 16;
/**
 * Maximum number of hosts with open connections, because tenants choose hosts. If there are more, the connections of
 * the least recently used host are closed.
 */
const MAX_LIVE_HOSTS = 64;
const CONNECT_TIMEOUT_MS = 3_000;
/** Fallbacks: normally, the deadline of the inspection aborts a request first. */
const HEADERS_TIMEOUT_MS = 15_000;
const BODY_IDLE_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 20_000;
/**
 * Maximum size of the headers. Registries put tokens into redirect locations, and common proxies forward at most 32
 * KiB.
 */
const MAX_HEADER_BYTES = 32 * 1024;

/** Holds the connections, by origin and settings, and bounds their number. */
export class Pools {
  readonly #pools: LRUCache<string, Pool>;
  /** Evicted pools whose requests are still in flight. */
  readonly #closing = new Set<Pool>();
  readonly #resolve: Resolve | undefined;

  constructor(resolve?: Resolve) {
    this.#resolve = resolve;
    this.#pools = new LRUCache({ max: MAX_LIVE_HOSTS, dispose: (pool) => void this.#retire(pool) });
  }

  get(origin: string, settings: ConnectionSettings): Pool {
    const key = `${origin} ${JSON.stringify(settings)}`;
    return this.#pools.get(key) ?? this.#add(key, this.#create(origin, settings));
  }

  /** Ends all connections, and aborts requests in flight. */
  async close(): Promise<void> {
    this.#pools.clear();
    await Promise.all([...this.#closing].map((pool) => pool.destroy()));
  }

  /** Closes a pool after its requests in flight. */
  async #retire(pool: Pool): Promise<void> {
    this.#closing.add(pool);
    await pool.close().catch(() => undefined);
    this.#closing.delete(pool);
  }

  #add(key: string, pool: Pool): Pool {
    this.#pools.set(key, pool);
    return pool;
  }

  #create(origin: string, settings: ConnectionSettings): Pool {
    const guard = new AddressGuard(settings.guard);
    return new Pool(origin, {
      connections: MAX_CONNECTIONS_PER_HOST,
      connect: connectorFor(settings, guardedConnector(guard, connectOptions(settings), this.#resolve)),
      pipelining: 1,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_IDLE_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }
}

function connectOptions({ tls }: ConnectionSettings): buildConnector.BuildOptions {
  return { timeout: CONNECT_TIMEOUT_MS, allowH2: false, ...(tls === 'unusable' ? {} : tls) };
}

/**
 * Returns the connector for the settings. With unusable TLS files, the connector rejects HTTPS connections, because
 * they would trust the system's CAs and be anonymous.
 */
function connectorFor({ tls }: ConnectionSettings, connect: buildConnector.connector): buildConnector.connector {
  if (tls !== 'unusable') return connect;
  return (target, callback) => {
    if (target.protocol !== 'https:') connect(target, callback);
    else callback(new RegistryError('TlsFiles', 'the TLS files of this host cannot be used'), null);
  };
}
