import { Pool } from 'undici';
import type { Credentials } from './credentials.ts';

/**
 * Maximum number of connections, except for watches. More connections would not make the workers of a process faster,
 * because their requests would wait in the API server.
 */
const MAX_CONNECTIONS = 32;
/**
 * Maximum number of connections for Leases. A process reads one Lease and renews another, with timeouts of some seconds. A
 * connection to a dead backend of a load balancer is tried for 10 s, even if its request has ended: the next requests need
 * other connections.
 */
const MAX_LEASE_CONNECTIONS = 8;
/** How long an idle connection is kept. It is well below the 90 s after which the API server closes idle connections. */
const KEEP_ALIVE_MS = 30_000;

/**
 * The kinds of requests, each with a connection pool of its own. Watches hold connections for minutes: in a shared pool,
 * calls would find no free connection.
 */
const KINDS = ['calls', 'leases', 'watches'] as const;

export type RequestKind = (typeof KINDS)[number];

/** The kinds whose requests can wait for a connection. */
export type LimitedKind = Exclude<RequestKind, 'watches'>;

interface Pools extends Readonly<Record<RequestKind, Pool>> {
  readonly key: string;
}

/** The connections to the API server of the current credentials. */
export class ConnectionPools {
  #pools: Pools | undefined;

  /** The number of requests that wait for a connection, by kind. */
  get waiting(): Readonly<Record<LimitedKind, number>> {
    return { calls: this.#pools?.calls.stats.pending ?? 0, leases: this.#pools?.leases.stats.pending ?? 0 };
  }

  /** Returns the pool for a kind of requests. After a change of the certificates or the server, it has new connections. */
  get(kind: RequestKind, credentials: Credentials): Pool {
    const key = JSON.stringify([credentials.server, credentials.tls]);
    if (this.#pools?.key === key) return this.#pools[kind];
    const old = this.#pools;
    this.#pools = {
      key,
      calls: newPool(credentials, MAX_CONNECTIONS),
      leases: newPool(credentials, MAX_LEASE_CONNECTIONS),
      watches: newPool(credentials, null),
    };
    // Running requests end on the old connections.
    for (const each of KINDS) old?.[each].close().catch(() => undefined);
    return this.#pools[kind];
  }

  /** Aborts all requests and closes all connections. */
  async destroy(): Promise<void> {
    const pools = this.#pools;
    this.#pools = undefined;
    if (pools !== undefined) await Promise.all(KINDS.map((kind) => pools[kind].destroy()));
  }
}

function newPool({ server, tls }: Credentials, connections: number | null): Pool {
  return new Pool(server, {
    connections,
    connect: { ...tls, timeout: 10_000 },
    // Sends one request at a time per connection, so that a slow response does not delay the next one.
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // No timeouts here: each call has its own timeout, and a watch has an idle timeout.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
