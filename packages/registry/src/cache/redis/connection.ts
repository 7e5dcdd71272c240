import { errorCode, withoutUndefined } from '@archpolicy/core';
import { aborted, waitUnlessAborted } from '@archpolicy/async';
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import {
  createNodeConnector,
  createPrimaryConnector,
  DISCONNECT_TIMEOUT_MS,
  FAIL_FAST,
  LIBRARY_TIMEOUT_MS,
  NEVER,
} from './connectors.ts';
import { isPort, rejectMalformedReplies } from './handshake-replies.ts';
import type { RedisTarget } from './target.ts';
import type { RedisClient, RedisConnection } from './resilient-client.ts';

const RESEND_DELAY_MS = 2;

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

/** Returns a function that creates connections, without opening them. */
export function createConnections(target: RedisTarget): () => RedisConnection {
  rejectMalformedReplies();
  if (target.kind === 'cluster') return () => clusterConnection(target);
  let created = 0;
  return () => {
    created += 1;
    return nodeConnection(target, created);
  };
}

function nodeOptions(target: RedisTarget): NodeOptions {
  const { username, password, tls } = target;
  return withoutUndefined({
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: LIBRARY_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    username,
    password,
    // With this option, even if it is empty, the library awaits the TLS handshake before it sends a command.
    tls: tls ? {} : undefined,
  });
}

function createNode(target: RedisTarget, attempt: number): Redis {
  const { kind, database: db, nodes } = target;
  const Connector = kind === 'sentinel' ? createPrimaryConnector(target, attempt) : createNodeConnector(target);
  const address = kind === 'node' ? nodes[0] : undefined;
  return new Redis({
    ...nodeOptions(target),
    ...FAIL_FAST,
    ...withoutUndefined({ db }),
    ...address,
    Connector,
    retryStrategy: NEVER,
  });
}

function createCluster(target: RedisTarget, onError: (error: Error) => void): Cluster {
  return new Cluster([...target.nodes], {
    ...FAIL_FAST,
    // Connect by name. By default the library looks names up first and connects by address, for which a certificate that
    // contains names is not valid (https://github.com/redis/ioredis#special-note-aws-elasticache-clusters-with-tls).
    dnsLookup: (host, callback) => {
      callback(null, host);
    },
    redisOptions: { ...nodeOptions(target), Connector: createNodeConnector(target, onError) },
    clusterRetryStrategy: NEVER,
    natMap: replaceInvalidAddress,
    slotsRefreshTimeout: LIBRARY_TIMEOUT_MS,
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

function nodeConnection(target: RedisTarget, attempt: number): RedisConnection {
  const client = createNode(target, attempt);
  const ping = async (): Promise<void> => {
    await client.ping();
  };
  return connection({ client, ping, lastError: new LastError() });
}

function clusterConnection(target: RedisTarget): RedisConnection {
  const lastError = new LastError();
  const client = createCluster(target, (error) => {
    lastError.note(error);
  });
  client.on('+node', handleAskingErrors);
  client.on('node error', (error: unknown) => {
    lastError.note(error);
  });
  const ping = async (): Promise<void> => {
    await Promise.all(client.nodes('master').map((node) => node.ping()));
  };
  return connection({ client, ping, lastError });
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

/** Keeps only the code of an error, because the error contains the command, which may be AUTH with the password. */
class LastError {
  #code: string | undefined;

  get code(): string | undefined {
    return this.#code;
  }

  note(error: unknown): void {
    this.#code = toErrorCode(error) ?? this.#code;
  }
}

interface ConnectionParts {
  readonly client: RedisClient;
  readonly ping: () => Promise<void>;
  readonly lastError: LastError;
}

function connection({ client, ping, lastError }: ConnectionParts): RedisConnection {
  // Without a listener, an error would end the process.
  client.on('error', (error: unknown) => {
    lastError.note(error);
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
      return lastError.code;
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
  const text = errorCode(error) ?? (error instanceof Error ? error.message : '');
  return /^[A-Z][A-Z0-9_]{2,39}(?![^\s])/.exec(text)?.[0];
}
