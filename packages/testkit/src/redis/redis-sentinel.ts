import { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';
import { WatchedProcess } from '../watched-process.ts';
import { RedisNode } from './redis-node.ts';
import { until } from './until.ts';

/** Under which name the Sentinel knows the primary. */
export const PRIMARY_NAME = 'archpolicy';

/** After this a primary that does not answer is taken for dead, milliseconds. */
const DOWN_AFTER_MS = 500;
/** A failover that found no replica is tried again after twice this. */
const FAILOVER_TIMEOUT_MS = 2_000;
/** A Sentinel of a busy machine may give a failover up at that time, and for good: nobody but us wanted it. */
const ASK_AGAIN_AFTER_MS = 2 * FAILOVER_TIMEOUT_MS;
const LOOK_PERIOD_MS = 100;

/** A primary, a replica of it and a Sentinel that watches them, all real, on loopback. */
export class RedisSentinel {
  #servers: readonly RedisNode[] = [];
  #process: WatchedProcess | undefined;
  #admin: Redis | undefined;
  #port = 0;

  async start(): Promise<this> {
    const primary = await new RedisNode().start();
    const replica = await new RedisNode({ args: ['--replicaof', '127.0.0.1', `${primary.port}`] }).start();
    this.#servers = [primary, replica];
    await until('the replica follows', async () => String(await replica.command('ROLE')).includes('connected'));
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
    // It looks at its servers every 10 s by default.
    await this.#admin.call(
      'SENTINEL',
      'DEBUG',
      'info-period',
      LOOK_PERIOD_MS,
      'ping-period',
      LOOK_PERIOD_MS,
      'publish-period',
      LOOK_PERIOD_MS,
    );
    await until('the Sentinel knows the replica', () => this.#knowsReplica());
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

  /** The server that is the primary now, as the Sentinel says. */
  async primary(): Promise<RedisNode> {
    const address = (await this.#ask('GET-MASTER-ADDR-BY-NAME')) as readonly string[];
    const primary = this.#servers.find(({ port }) => `${port}` === address[1]);
    if (primary === undefined) throw new Error('the Sentinel knows no primary');
    return primary;
  }

  /** Makes the replica the primary and the primary its replica; resolves when both know. */
  async failOver(): Promise<void> {
    const before = await this.primary();
    let askedAt = -Infinity;
    await until('a failover', async () => {
      if ((await this.primary()) !== before) return true;
      const isDue = performance.now() - askedAt > ASK_AGAIN_AFTER_MS;
      if (isDue && (await this.#beginsFailover())) askedAt = performance.now();
      return false;
    });
    await this.#untilPrimaryIsNot(before);
    await until('the old primary follows', async () => String(await before.command('ROLE')).startsWith('slave'));
  }

  /** Ends the primary; resolves when the Sentinel has made the replica the primary. */
  async crashPrimary(): Promise<void> {
    const before = await this.primary();
    await before.stop();
    await this.#untilPrimaryIsNot(before);
  }

  async #untilPrimaryIsNot(before: RedisNode): Promise<void> {
    await until('another primary', async () => (await this.primary()) !== before);
    const after = await this.primary();
    await until('the new primary knows', async () => String(await after.command('ROLE')).startsWith('master'));
  }

  async #knowsReplica(): Promise<boolean> {
    const replicas = (await this.#ask('REPLICAS')) as readonly (readonly string[])[];
    return replicas.some((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok');
  }

  /** The Sentinel refuses until it has looked at the replica, and while a failover is on its way. */
  async #beginsFailover(): Promise<boolean> {
    try {
      await this.#ask('FAILOVER');
      return true;
    } catch (error) {
      if (error instanceof Error && /^(NOGOODSLAVE|INPROG)/.test(error.message)) return false;
      throw error;
    }
  }

  async #ask(subcommand: string): Promise<unknown> {
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
