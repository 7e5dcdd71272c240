import { waitUnlessAborted } from '@archpolicy/async';
import { Pool } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import { guardedConnector } from '../address-guard/connector.ts';
import type { NameResolution, Resolve } from '../address-guard/connector.ts';
import { AddressGuard } from '../address-guard/guard.ts';
import type { ConnectionSettings } from '../config/host-settings.ts';
import { RegistryError } from '../errors.ts';
import { proxiedConnector } from './proxy-connector.ts';

/**
 * Maximum number of connections to one host. Requests of inspections are small, with fast responses. If a registry is
 * 30 ms away, a burst of 50 new images takes four rounds over 16 connections. Together with the request for the token,
 * this takes 0.15 s of the 0.4 s of an admission. Eight connections would take seven rounds.
 */
const MAX_CONNECTIONS_PER_HOST = 16;
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

/** Shared, because creating an AbortError costs more than the rest of a request's bookkeeping. */
const NO_REQUESTS = new Error('no request waits for the connection');
/** How often a request that met the end of a cancelled lookup is sent again, with a lookup of its own. */
const MAX_CANCELLED_LOOKUPS = 2;

type PoolRequest = Dispatcher.RequestOptions & { readonly signal: AbortSignal };

/** Resolves the names of hosts for connections. */
export interface HostNames {
  readonly resolve: Resolve;
  /** Whether the lookup of a name has not started, because too many others run. */
  readonly isQueued?: (hostname: string) => boolean;
}

/** The connections to one origin. Lookups of its name are cancelled once no request waits for a connection. */
export class OriginPool {
  readonly #pool: Pool;
  readonly #isQueued: () => boolean;
  #requests = 0;
  #lookups = new AbortController();

  constructor(origin: string, settings: ConnectionSettings, { resolve, isQueued = () => false }: HostNames) {
    const { hostname } = new URL(origin);
    this.#isQueued = () => isQueued(hostname);
    const guard = new AddressGuard(settings.guard);
    const resolution = { resolve, signal: () => this.#lookups.signal };
    this.#pool = new Pool(origin, {
      connections: MAX_CONNECTIONS_PER_HOST,
      connect: connectorFor(settings, guard, resolution),
      pipelining: 1,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_IDLE_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
  }

  /**
   * @throws what the pool throws, such as an error of the connection. As soon as the signal aborts, its reason, or
   *   `LookupQueued`; the pool itself would first wait for the connection.
   */
  async request(options: PoolRequest): Promise<Dispatcher.ResponseData> {
    this.#requests += 1;
    try {
      for (let retries = MAX_CANCELLED_LOOKUPS; ; retries -= 1) {
        try {
          const waited = await waitUnlessAborted(this.#pool.request(options), options.signal);
          if (waited.kind === 'done') return waited.value;
          throw this.#isQueued() ? lookupQueued() : options.signal.reason;
        } catch (error) {
          if (retries === 0 || options.signal.aborted || !isCancelledLookup(error)) throw error;
        }
      }
    } finally {
      this.#requests -= 1;
      if (this.#requests === 0) this.#cancelLookups();
    }
  }

  /** Waits for the requests in flight, then closes the connections. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  /** Aborts the requests in flight. */
  destroy(): Promise<void> {
    this.#cancelLookups();
    return this.#pool.destroy();
  }

  #cancelLookups(): void {
    this.#lookups.abort(NO_REQUESTS);
    this.#lookups = new AbortController();
  }
}

function lookupQueued(): RegistryError {
  return new RegistryError('LookupQueued', 'the lookup of the name of this host did not start in time');
}

function isCancelledLookup(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'LookupCancelled';
}

function connectOptions({ tls }: ConnectionSettings): buildConnector.BuildOptions {
  return { timeout: CONNECT_TIMEOUT_MS, allowH2: false, ...(tls === 'unusable' ? {} : tls) };
}

/**
 * Returns the connector for the settings. With unusable TLS files, the connector rejects HTTPS connections, because
 * they would trust the system's CAs and be anonymous.
 */
function connectorFor(
  settings: ConnectionSettings,
  guard: AddressGuard,
  names: NameResolution,
): buildConnector.connector {
  const { tls, proxy } = settings;
  const connect =
    proxy === undefined
      ? guardedConnector(guard, connectOptions(settings), names)
      : proxiedConnector({ proxy, guard, tls: connectOptions(settings), names, timeoutMs: CONNECT_TIMEOUT_MS });
  if (tls !== 'unusable') return connect;
  return (target, callback) => {
    if (target.protocol !== 'https:') connect(target, callback);
    else callback(new RegistryError('TlsFiles', 'the TLS files of this host cannot be used'), null);
  };
}
