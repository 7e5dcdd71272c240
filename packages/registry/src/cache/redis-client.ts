import { Cluster, Redis } from 'ioredis';
import type { ClusterNode, RedisOptions } from 'ioredis';
import type { RedisTarget } from './redis-target.ts';

/** Added latency is bounded by this whatever Redis does (K7). */
export const COMMAND_TIMEOUT_MS = 50;
export const CONNECT_TIMEOUT_MS = 500;
const MAX_RECONNECT_DELAY_MS = 2_000;

/** Nothing is kept for later: what cannot be sent now has failed. */
const QUEUELESS = { enableOfflineQueue: false, lazyConnect: true } as const;

/** What one node's connection and a Cluster's have in common. */
type CommonRedisOptions = Pick<
  RedisOptions,
  | 'commandTimeout'
  | 'disconnectTimeout'
  | 'maxRetriesPerRequest'
  | 'connectTimeout'
  | 'reconnectOnError'
  | 'username'
  | 'password'
  | 'tls'
>;

const reconnectDelay = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS);

/**
 * Every command fails at once when there is no connection, and within its time-out when nobody answers: the library's
 * defaults would have it wait for ever.
 */
function connectionOptions({ username, password, tls }: RedisTarget, commandTimeout: number): CommonRedisOptions {
  return {
    commandTimeout,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // The library's 2 s would hold up the end of the process.
    disconnectTimeout: COMMAND_TIMEOUT_MS,
    // After a failover the old primary is read-only: connect again to find the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
}

/** A client for one node, Sentinels or a Cluster. It connects in the background and goes on trying. */
export function createRedisClient(target: RedisTarget, commandTimeoutMs: number): Redis | Cluster {
  const connection = connectionOptions(target, commandTimeoutMs);
  if (target.kind === 'cluster') return createCluster(target, connection);
  const common = { ...connection, ...QUEUELESS, retryStrategy: reconnectDelay };
  const database = target.database === undefined ? {} : { db: target.database };
  if (target.kind === 'node') return new Redis({ ...common, ...database, ...target.nodes[0] });
  return new Redis({
    ...common,
    ...database,
    sentinels: target.nodes.map(({ host, port }) => ({ host, port })),
    name: target.primary ?? '',
    sentinelRetryStrategy: reconnectDelay,
    ...(target.password === undefined ? {} : { sentinelPassword: target.password }),
    ...(target.tls ? { enableTLSForSentinelMode: true } : {}),
  });
}

function createCluster(target: RedisTarget, redisOptions: CommonRedisOptions): Cluster {
  const nodes: ClusterNode[] = target.nodes.map(({ host, port }) => ({ host, port }));
  return new Cluster(nodes, {
    ...QUEUELESS,
    redisOptions,
    clusterRetryStrategy: reconnectDelay,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // A failover is over in seconds; a command that waits for it would hold up a pod.
    maxRedirections: 2,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
  });
}
