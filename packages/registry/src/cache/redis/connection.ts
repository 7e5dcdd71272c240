import { errorCode, withoutUndefined } from '@archpolicy/core';
import { aborted, waitUnlessAborted } from '@archpolicy/async';
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { RedisTarget } from './target.ts';
import type { RedisClient, RedisConnection } from './resilient-client.ts';

/** The link gives up long before, and does it better: the library's time-outs also fire when this process stalled. */
const LIBRARY_TIMEOUT_MS = 5_000;
/** Ending a connection takes the library up to 2 s by default, which would hold up the end of the process. */
const DISCONNECT_TIMEOUT_MS = 50;

const RESEND_DELAY_MS = 2;

/** Never again by itself: connections are replaced, not repaired. */
const NEVER = (): null => null;

/** Nothing is kept for later, nothing is tried twice: by default commands would wait for ever for a Redis that is gone. */
const FAIL_FAST = {
  enableOfflineQueue: false,
  lazyConnect: true,
} as const satisfies RedisOptions;

/** What one node's connection and a Cluster's have in common. Time-outs of commands are the link's business. */
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

/** A connection that has yet to be opened. */
export function createConnection(target: RedisTarget): RedisConnection {
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
    // The library replaces connections to nodes in the middle of their work: what was on its way is sent again, for as
    // long as the command has time.
    retryDelayOnFailover: RESEND_DELAY_MS,
    // A failover is over in seconds; a command that waited for it would hold up a pod.
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
  });
}

function nodeConnection(client: Redis): RedisConnection {
  return connection(client, async () => {
    await client.ping();
  });
}

function clusterConnection(client: Cluster): RedisConnection {
  return connection(client, async () => {
    await Promise.all(client.nodes('master').map((node) => node.ping()));
  });
}

function connection(client: RedisClient, ping: () => Promise<void>): RedisConnection {
  let lastErrorCode: string | undefined;
  // Without a listener an error would end the process. Errors carry commands, AUTH included: nothing but a word is kept.
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

/** The system's code of an error, or the first word of an error reply, if it is in capitals. */
function toErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = errorCode(error) ?? error.message;
  return /^[A-Z][A-Z0-9_]{2,39}(?![^\s])/.exec(text)?.[0];
}
