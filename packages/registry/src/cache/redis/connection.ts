import { errorCode, withoutUndefined } from '@archpolicy/core';
import { aborted, waitUnlessAborted } from '@archpolicy/async';
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { isPort, rejectMalformedReplies } from './handshake-replies.ts';
import type { RedisTarget } from './target.ts';
import type { RedisClient, RedisConnection } from './resilient-client.ts';

/**
 * Timeouts of the library. They are longer than the timeouts of `ResilientClient`, because the library's timeouts also
 * fire after a stall of this process.
 */
const LIBRARY_TIMEOUT_MS = 5_000;
/** By default the library takes up to 2 s to end a connection, which would delay the shutdown of the process. */
const DISCONNECT_TIMEOUT_MS = 50;

const RESEND_DELAY_MS = 2;

/** Disables the library's reconnection, because `ResilientClient` replaces connections. */
const NEVER = (): null => null;

/** Disables the library's queue of commands, in which they would wait for a connection without a time limit. */
const FAIL_FAST = {
  enableOfflineQueue: false,
  lazyConnect: true,
} as const satisfies RedisOptions;

/**
 * The options for a single node and for each node of a Cluster. They contain no timeout of commands, because
 * `ResilientClient` applies one.
 */
type NodeOptions = Pick<
  RedisOptions,
  | 'disconnectTimeout'
  | 'maxRetriesPerRequest'
  | 'connectTimeout'
  | 'autoResendUnfulfilledCommands'
  | 'username'
  | 'password'
  | 'tls'
>;

/** Creates a connection, without opening it. */
export function createConnection(target: RedisTarget): RedisConnection {
  rejectMalformedReplies();
  return target.kind === 'cluster' ? clusterConnection(createCluster(target)) : nodeConnection(createNode(target));
}

function nodeOptions({ username, password, tls }: RedisTarget): NodeOptions {
  return withoutUndefined({
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: LIBRARY_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    username,
    password,
    tls: tls ? {} : undefined,
  });
}

function createNode(target: RedisTarget): Redis {
  const database = target.database === undefined ? {} : { db: target.database };
  const common = { ...nodeOptions(target), ...FAIL_FAST, ...database, retryStrategy: NEVER };
  if (target.kind === 'node') return new Redis({ ...common, ...target.nodes[0] });
  return new Redis({
    ...common,
    sentinels: target.nodes.map(({ host, port }) => ({ host, port })),
    name: target.primary ?? '',
    sentinelRetryStrategy: NEVER,
    natMap: replaceInvalidAddress,
    sentinelCommandTimeout: LIBRARY_TIMEOUT_MS,
    enableTLSForSentinelMode: target.tls,
    ...withoutUndefined({ sentinelPassword: target.password }),
  });
}

function createCluster(target: RedisTarget): Cluster {
  return new Cluster([...target.nodes], {
    ...FAIL_FAST,
    redisOptions: nodeOptions(target),
    clusterRetryStrategy: NEVER,
    slotsRefreshTimeout: LIBRARY_TIMEOUT_MS,
    natMap: replaceInvalidAddress,
    // When the library replaces the connection to a node, it sends the commands in flight again until they time out.
    retryDelayOnFailover: RESEND_DELAY_MS,
    // Do not retry during a failover, because a failover takes seconds, and a pod waits for the command.
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
  });
}

/**
 * Maps an address without a usable port, which a Sentinel or a MOVED or ASK reply may name, to port 0, which refuses each
 * connection. For other ports, the library leaks a socket. Returns null for a usable address.
 */
function replaceInvalidAddress(address: string): { readonly host: string; readonly port: number } | null {
  return isPort(Number(address.slice(address.lastIndexOf(':') + 1))) ? null : { host: '127.0.0.1', port: 0 };
}

function nodeConnection(client: Redis): RedisConnection {
  return connection(client, async () => {
    await client.ping();
  });
}

function clusterConnection(client: Cluster): RedisConnection {
  client.on('+node', handleAskingErrors);
  return connection(client, async () => {
    await Promise.all(client.nodes('master').map((node) => node.ping()));
  });
}

/**
 * Handles errors of the command ASKING, which the library sends to another node after an ASK reply, and whose promise it drops: if that
 * node cannot be reached, the rejection would end the process.
 */
function handleAskingErrors(node: Redis): void {
  const send = node.asking.bind(node);
  node.asking = () => {
    const sent = send();
    sent.catch(() => undefined);
    return sent;
  };
}

function connection(client: RedisClient, ping: () => Promise<void>): RedisConnection {
  let lastErrorCode: string | undefined;
  // Without a listener, an error would end the process. Keep only the code of an error, because the error contains the
  // command, which may be AUTH with the password.
  client.on('error', (error: unknown) => {
    lastErrorCode = toErrorCode(error);
  });
  const end = new AbortController();
  client.once('end', () => {
    end.abort();
  });
  const retire = async (): Promise<void> => {
    await client.quit().catch(() => undefined);
    client.disconnect();
  };
  return {
    client,
    ended: aborted(end.signal),
    ping,
    get lastErrorCode() {
      return lastErrorCode;
    },
    open: async () => {
      const opened = await waitUnlessAborted(client.connect(), end.signal);
      if (opened.kind === 'aborted') throw new Error('the connection has ended');
    },
    close: () => {
      client.disconnect();
    },
    retire: () => void retire(),
  };
}

/** Returns the system's code of an error, or the first word of an error reply if that word is in capitals. */
function toErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = errorCode(error) ?? error.message;
  return /^[A-Z][A-Z0-9_]{2,39}(?![^\s])/.exec(text)?.[0];
}
