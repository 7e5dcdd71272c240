import { waitUnlessAborted } from '@archpolicy/async';
import { withoutUndefined } from '@archpolicy/core';
import { AbstractConnector, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isPort } from './handshake-replies.ts';
import { tlsOptionsFor } from './server-identity.ts';
import type { RedisNode, RedisTarget } from './target.ts';

/** A class that opens the connections of a client of the library. */
type ConnectorClass = NonNullable<RedisOptions['Connector']>;

/** By default the library takes up to 2 s to end a connection, which would delay the shutdown of the process. */
export const DISCONNECT_TIMEOUT_MS = 50;
/**
 * Timeouts of the library. They are longer than the timeouts of `ResilientClient`, because the library's timeouts also
 * fire after a stall of this process.
 */
export const LIBRARY_TIMEOUT_MS = 5_000;

/** Disables the library's reconnection, because `ResilientClient` replaces connections. */
export const NEVER = (): null => null;

/** Disables the library's queue of commands, in which they would wait for a connection without a time limit. */
export const FAIL_FAST = { enableOfflineQueue: false, lazyConnect: true } as const satisfies RedisOptions;

/**
 * Opens connections to the host and port in the client's options: one node, a node of a Cluster, or a Sentinel.
 *
 * @param onError called with each error of a connection, because the library drops those of a Cluster's first connection
 */
export function createNodeConnector(
  target: RedisTarget,
  onError: (error: Error) => void = () => undefined,
): ConnectorClass {
  return class NodeConnector extends AbstractConnector {
    readonly #node: RedisNode;

    constructor(options: unknown) {
      super(DISCONNECT_TIMEOUT_MS);
      const { host = 'localhost', port = 6379 } = options as Partial<RedisNode>;
      this.#node = { host, port };
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      await Promise.resolve();
      return (this.stream = openSocket(this.#node, target).once('error', onError));
    }
  };
}

/**
 * Opens connections to the primary that a Sentinel names. It replaces the library's connector, which sends a Sentinel no
 * server name and no user, always asks the same Sentinel first, and does not keep the cause of a failed TLS handshake.
 *
 * @param start index of the Sentinel that is asked first: each attempt begins with another one, because one may hang
 */
export function createPrimaryConnector(target: RedisTarget, start: number): ConnectorClass {
  return class PrimaryConnector extends AbstractConnector {
    readonly #closing = new AbortController();

    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    /** Whether the node is a primary: a Sentinel may not have noticed a failover yet. The library passes the reply to INFO. */
    override check(info: { readonly role?: string } | undefined): boolean {
      return info?.role === undefined || info.role === 'master';
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      const primary = await findPrimary(target, start, this.#closing.signal);
      this.#closing.signal.throwIfAborted();
      return (this.stream = openSocket(primary, target));
    }

    override disconnect(): void {
      this.#closing.abort(new Error('the connection was closed'));
      super.disconnect();
    }
  };
}

function openSocket({ host, port }: RedisNode, { tls, nodes }: RedisTarget): Socket {
  if (!tls) return connectTcp({ host, port });
  const urlHosts = nodes.map((node) => node.host);
  return connectTls({ host, port, ...tlsOptionsFor(host, urlHosts) });
}

/** Asks the Sentinels, one after the other. @throws the error of the last Sentinel */
async function findPrimary(target: RedisTarget, start: number, signal: AbortSignal): Promise<RedisNode> {
  const { nodes } = target;
  let failure: unknown;
  for (let asked = 0; asked < nodes.length && !signal.aborted; asked += 1) {
    const sentinel = nodes[(start + asked) % nodes.length];
    if (sentinel === undefined) break;
    try {
      return await askAsUser(sentinel, target, signal);
    } catch (error) {
      failure = error;
    }
  }
  throw failure ?? signal.reason;
}

/** Asks as the user of the URL. A Sentinel may have no such user: then with the password alone. */
async function askAsUser(sentinel: RedisNode, target: RedisTarget, signal: AbortSignal): Promise<RedisNode> {
  try {
    return await askSentinel(sentinel, target, signal);
  } catch (error) {
    const { username, ...withoutUser } = target;
    const isUnknownUser = username !== undefined && error instanceof Error && error.message.startsWith('WRONGPASS');
    if (!isUnknownUser || signal.aborted) throw error;
    return askSentinel(sentinel, withoutUser, signal);
  }
}

async function askSentinel(sentinel: RedisNode, target: RedisTarget, signal: AbortSignal): Promise<RedisNode> {
  const { username, password, primary = '', tls } = target;
  const client = new Redis({
    ...FAIL_FAST,
    ...sentinel,
    ...withoutUndefined({ username, password, tls: tls ? {} : undefined }),
    Connector: createNodeConnector(target),
    retryStrategy: NEVER,
    enableReadyCheck: false,
    connectTimeout: LIBRARY_TIMEOUT_MS,
    commandTimeout: LIBRARY_TIMEOUT_MS,
  });
  let cause: unknown;
  client.on('error', (error: unknown) => {
    cause ??= error;
  });
  try {
    const ask = async (): Promise<unknown> => {
      await client.connect();
      return client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary);
    };
    const waited = await waitUnlessAborted(ask(), signal);
    if (waited.kind === 'aborted') throw signal.reason;
    return parseAddress(waited.value);
  } catch (error) {
    // When a connection fails, the library rejects with "Connection is closed."; its event has the cause.
    throw cause ?? error;
  } finally {
    client.disconnect();
  }
}

/** Parses the reply `['10.0.0.7', '6379']`. @throws when the Sentinel does not know the primary */
function parseAddress(reply: unknown): RedisNode {
  const [host, port] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  const isValid = typeof host === 'string' && host !== '' && typeof port === 'string' && isPort(Number(port));
  if (!isValid) throw new Error('NO_SUCH_PRIMARY the Sentinel does not know the primary');
  return { host, port: Number(port) };
}
