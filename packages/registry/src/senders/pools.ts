import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import type { buildConnector } from 'undici';
import { guardedConnector } from '../address-guard/connector.ts';
import type { Resolve } from '../address-guard/connector.ts';
import { AddressGuard } from '../address-guard/guard.ts';
import type { ConnectionSettings } from '../config/host-settings.ts';
import { RegistryError } from '../errors.ts';

/**
 * Inspections of one registry are small and quickly answered. A burst over 50 new images of a registry 30 ms away takes four
 * rounds of them, 0.15 s with the token, of the 0.4 s that an admission has; with eight it takes seven.
 */
const MAX_CONNECTIONS_PER_HOST = 16;
/** Tenants choose hosts: the oldest host's connections are closed beyond this many. */
const MAX_LIVE_HOSTS = 64;
const CONNECT_TIMEOUT_MS = 3_000;
/** Backstops behind the operation's own deadline. */
const HEADERS_TIMEOUT_MS = 15_000;
const BODY_IDLE_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 20_000;
/** Registries put tokens into redirect locations; 32 KiB is the most that a common proxy passes on. */
const MAX_HEADER_BYTES = 32 * 1024;

/** Connections by origin and settings, bounded in number. */
export class Pools {
  readonly #pools: LRUCache<string, Pool>;
  readonly #resolve: Resolve | undefined;

  constructor(resolve?: Resolve) {
    this.#resolve = resolve;
    // Closing lets requests in flight finish.
    this.#pools = new LRUCache({ max: MAX_LIVE_HOSTS, dispose: (pool) => void pool.close() });
  }

  get(origin: string, settings: ConnectionSettings): Pool {
    const key = `${origin} ${JSON.stringify(settings)}`;
    return this.#pools.get(key) ?? this.#add(key, this.#make(origin, settings));
  }

  /** Ends all connections, requests in flight included. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #add(key: string, pool: Pool): Pool {
    this.#pools.set(key, pool);
    return pool;
  }

  #make(origin: string, settings: ConnectionSettings): Pool {
    const guard = new AddressGuard(settings.refuseAddresses, settings.allowAddresses);
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

/** Without its own CA bundle and certificate, a connection would trust the system's authorities and be anonymous. */
function connectorFor({ tls }: ConnectionSettings, connect: buildConnector.connector): buildConnector.connector {
  if (tls !== 'unusable') return connect;
  return (target, callback) => {
    if (target.protocol !== 'https:') connect(target, callback);
    else callback(new RegistryError('TlsFiles', 'the TLS files of this host cannot be used'), null);
  };
}
