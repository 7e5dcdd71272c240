import { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';
import { WatchedProcess } from '../watched-process.ts';
import { RedisNode } from './redis-node.ts';
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

/** A real primary, replica and Sentinel on loopback. */
export class RedisSentinel {
  #servers: readonly RedisNode[] = [];
  #process: WatchedProcess | undefined;
  #admin: Redis | undefined;
  #port = 0;

  async start(): Promise<this> {
    const primary = await new RedisNode().start();
    const replica = await new RedisNode({ args: ['--replicaof', '127.0.0.1', `${primary.port}`] }).start();
    this.#servers = [primary, replica];
    await waitUntil('the connected replica', async () => String(await replica.command('ROLE')).includes('connected'));
    this.#port = await freePort();
    this.#process = await WatchedProcess.start({
      command: 'redis-server',
      args: (directory) => [`${directory}/sentinel.conf`, '--sentinel'],
      files: () => ({ 'sentinel.conf': configuration(this.#port, primary.port) }),
      ready: '+monitor',
    });
    this.#admin = new Redis({ port: this.#port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 20 });
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
    return `127.0.0.1:${this.#port}`;
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

function configuration(port: number, primaryPort: number): string {
  return `port ${port}
bind 127.0.0.1
sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primaryPort} 1
sentinel down-after-milliseconds ${PRIMARY_NAME} ${DOWN_AFTER_MS}
sentinel failover-timeout ${PRIMARY_NAME} ${FAILOVER_TIMEOUT_MS}
`;
}
