import { withoutUndefined } from '@archpolicy/core';
import { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';
import { WatchedProcess } from '../watched-process.ts';
import { RedisNode } from './redis-node.ts';
import { adminOptions, listenSettings, tlsFiles } from './redis-tls.ts';
import type { RedisTls } from './redis-tls.ts';
import { waitUntil } from './wait-until.ts';

/** The name of the primary in the Sentinel's configuration. */
export const PRIMARY_NAME = 'archpolicy';

/** A primary without a response for this long counts as down. */
const DOWN_AFTER_MS = 500;
/** If a failover finds no replica, the Sentinel retries it after twice this time. */
const FAILOVER_TIMEOUT_MS = 2_000;
/**
 * How long to wait before a manual failover is requested again. On a loaded machine, the Sentinel may abandon a failover
 * without a retry, so the request has to be repeated.
 */
const RETRY_FAILOVER_AFTER_MS = 2 * FAILOVER_TIMEOUT_MS;
const POLL_PERIOD_MS = 100;

export interface RedisSentinelOptions {
  /** Makes all servers accept TLS connections only, and announce themselves by the name `localhost`. */
  readonly tls?: RedisTls;
  /** The only user that the Sentinel accepts. The primary and the replica accept every user, and this one by its name. */
  readonly user?: { readonly name: string; readonly password: string };
}

/** A real primary, replica and Sentinel on loopback. */
export class RedisSentinel {
  readonly #options: RedisSentinelOptions;
  #servers: readonly RedisNode[] = [];
  #process: WatchedProcess | undefined;
  #admin: Redis | undefined;
  #port = 0;

  constructor(options: RedisSentinelOptions = {}) {
    this.#options = options;
  }

  async start(): Promise<this> {
    const { tls, user } = this.#options;
    const host = hostFor(this.#options);
    const announced = tls === undefined ? [] : ['--replica-announce-ip', host];
    const accepted =
      user === undefined || user.name === 'default'
        ? []
        : ['--user', user.name, 'on', `>${user.password}`, '~*', '&*', '+@all'];
    const args = [...announced, ...accepted];
    const primary = await new RedisNode({ ...withoutUndefined({ tls }), args }).start();
    const replicaArgs = [...args, '--replicaof', host, `${primary.port}`];
    const replica = await new RedisNode({ ...withoutUndefined({ tls }), args: replicaArgs }).start();
    this.#servers = [primary, replica];
    await waitUntil('the connected replica', async () => String(await replica.command('ROLE')).includes('connected'));
    this.#port = await freePort();
    this.#process = await WatchedProcess.start({
      command: 'redis-server',
      args: (directory) => [`${directory}/sentinel.conf`, '--sentinel'],
      files: (directory) => ({
        'sentinel.conf': configuration(this.#port, primary.port, this.#options, directory),
        ...tlsFiles(tls),
      }),
      ready: '+monitor',
    });
    this.#admin = new Redis({
      port: this.#port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => 20,
      ...withoutUndefined({ username: user?.name, password: user?.password }),
      ...adminOptions(tls),
    });
    this.#admin.on('error', () => undefined);
    await this.#admin.connect();
    // Shorten the periods, which are 10 s by default.
    await this.#admin.call(
      'SENTINEL',
      'DEBUG',
      'info-period',
      POLL_PERIOD_MS,
      'ping-period',
      POLL_PERIOD_MS,
      'publish-period',
      POLL_PERIOD_MS,
    );
    await waitUntil('the replica in the Sentinel', () => this.#hasReplica());
    return this;
  }

  async stop(): Promise<void> {
    this.#admin?.disconnect();
    this.#admin = undefined;
    await this.#process?.stop();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  /** `host:port` of the Sentinel. */
  get address(): string {
    return `${hostFor(this.#options)}:${this.#port}`;
  }

  /** Returns the current primary according to the Sentinel. */
  async primary(): Promise<RedisNode> {
    const address = (await this.#callSentinel('GET-MASTER-ADDR-BY-NAME')) as readonly string[];
    const primary = this.#servers.find(({ port }) => `${port}` === address[1]);
    if (primary === undefined) throw new Error('the Sentinel has no primary');
    return primary;
  }

  /** Swaps primary and replica. Resolves when both have their new role. */
  async failOver(): Promise<void> {
    const before = await this.primary();
    let requestedAt = -Infinity;
    await waitUntil('a failover', async () => {
      if ((await this.primary()) !== before) return true;
      const isDue = performance.now() - requestedAt > RETRY_FAILOVER_AFTER_MS;
      if (isDue && (await this.#startFailover())) requestedAt = performance.now();
      return false;
    });
    await this.#waitForNewPrimary(before);
    await waitUntil('the old primary as a replica', async () =>
      String(await before.command('ROLE')).startsWith('slave'),
    );
  }

  /** Kills the primary. Resolves when the Sentinel has promoted the replica. */
  async crashPrimary(): Promise<void> {
    const before = await this.primary();
    await before.stop();
    await this.#waitForNewPrimary(before);
  }

  async #waitForNewPrimary(before: RedisNode): Promise<void> {
    await waitUntil('another primary', async () => (await this.primary()) !== before);
    const after = await this.primary();
    await waitUntil('the role of the new primary', async () =>
      String(await after.command('ROLE')).startsWith('master'),
    );
  }

  async #hasReplica(): Promise<boolean> {
    const replicas = (await this.#callSentinel('REPLICAS')) as readonly (readonly string[])[];
    return replicas.some((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok');
  }

  /**
   * Requests a failover. Returns false if the Sentinel rejects it, because it has not checked the replica yet, or
   * because a failover is running.
   */
  async #startFailover(): Promise<boolean> {
    try {
      await this.#callSentinel('FAILOVER');
      return true;
    } catch (error) {
      if (error instanceof Error && /^(NOGOODSLAVE|INPROG)/.test(error.message)) return false;
      throw error;
    }
  }

  async #callSentinel(subcommand: string): Promise<unknown> {
    if (this.#admin === undefined) throw new Error('the Sentinel is not running');
    return this.#admin.call('SENTINEL', subcommand, PRIMARY_NAME);
  }
}

function hostFor({ tls }: RedisSentinelOptions): string {
  return tls === undefined ? '127.0.0.1' : 'localhost';
}

function userSettings(user: RedisSentinelOptions['user']): readonly string[] {
  if (user === undefined) return [];
  if (user.name === 'default') return [`requirepass ${user.password}`];
  return [`user ${user.name} on >${user.password} ~* &* +@all`, 'user default off'];
}

function configuration(
  port: number,
  primaryPort: number,
  { tls, user }: RedisSentinelOptions,
  directory: string,
): string {
  const listen = listenSettings(port, tls, directory).map(([name, value]) => `${name} ${value}`);
  const names = tls === undefined ? [] : ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes'];
  return `${[...listen, ...names, ...userSettings(user)].join('\n')}
bind 127.0.0.1
sentinel monitor ${PRIMARY_NAME} ${hostFor({ ...withoutUndefined({ tls }) })} ${primaryPort} 1
sentinel down-after-milliseconds ${PRIMARY_NAME} ${DOWN_AFTER_MS}
sentinel failover-timeout ${PRIMARY_NAME} ${FAILOVER_TIMEOUT_MS}
`;
}
