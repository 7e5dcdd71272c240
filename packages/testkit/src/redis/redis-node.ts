import { withoutUndefined } from '@archpolicy/core';
import { Redis } from 'ioredis';
import { freePort } from '../free-port.ts';
import { WatchedProcess } from '../watched-process.ts';
import { adminOptions, listenSettings, tlsFiles } from './redis-tls.ts';
import type { RedisTls } from './redis-tls.ts';

export interface RedisNodeOptions {
  readonly password?: string;
  /** Makes the server accept TLS connections only. */
  readonly tls?: RedisTls;
  /** Further arguments, such as `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[];
}

/** Maximum number of starts. Another process may take the chosen port before the server does. */
const MAX_STARTS = 5;
const RECONNECT_DELAY_MS = 20;

/** A real redis-server on a free loopback port. It stores data only in memory and ends with the test process. */
export class RedisNode {
  readonly #options: RedisNodeOptions;
  #port = 0;
  #process: WatchedProcess | undefined;
  #admin: Redis | undefined;

  constructor(options: RedisNodeOptions = {}) {
    this.#options = options;
  }

  /** Starts the server. After `stop()`, it starts without data on the same port. */
  async start(): Promise<this> {
    for (let starts = 1; ; starts += 1) {
      const port = this.#port === 0 ? await freePort() : this.#port;
      try {
        this.#process = await WatchedProcess.start({
          command: 'redis-server',
          args: (directory) => this.#arguments(port, directory),
          files: () => tlsFiles(this.#options.tls),
          ready: 'Ready to accept connections',
        });
        this.#port = port;
        break;
      } catch (error) {
        const isTaken = error instanceof Error && error.message.includes('Address already in use');
        if (!isTaken || this.#port !== 0 || starts === MAX_STARTS) throw error;
      }
    }
    await this.#connect();
    return this;
  }

  async stop(): Promise<void> {
    // Disconnect only once: after a second disconnect, a timer of the library would keep this process alive for 2 s.
    this.#admin?.disconnect();
    this.#admin = undefined;
    await this.#process?.stop();
    this.#process = undefined;
  }

  get port(): number {
    return this.#port;
  }

  /** `redis://127.0.0.1:port`, with the password if set. */
  get url(): string {
    const { password } = this.#options;
    const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    return `redis://${user}127.0.0.1:${this.#port}`;
  }

  /** Sends a command directly, bypassing the code under test. */
  async command(name: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.#connection.call(name, [...args]);
  }

  /** Returns the bytes of a value; none for an absent key. */
  async value(key: string): Promise<Buffer> {
    return (await this.#connection.getBuffer(key)) ?? Buffer.alloc(0);
  }

  get #connection(): Redis {
    if (this.#admin === undefined) throw new Error('redis-server is not running');
    return this.#admin;
  }

  /** Returns all keys with their TTL in milliseconds; -1: no expiry. */
  async keys(): Promise<ReadonlyMap<string, number>> {
    const names = (await this.command('KEYS', '*')) as string[];
    const entries = names.map(async (name) => [name, (await this.command('PTTL', name)) as number] as const);
    return new Map(await Promise.all(entries));
  }

  /** Deletes all keys and scripts, as a restart does. */
  async flush(): Promise<void> {
    await this.command('FLUSHALL');
    await this.command('SCRIPT', 'FLUSH');
  }

  /** Makes the server reject writes with READONLY, as a replica does. */
  async readOnly(): Promise<void> {
    await this.command('REPLICAOF', '127.0.0.1', 1);
  }

  async readWrite(): Promise<void> {
    await this.command('REPLICAOF', 'NO', 'ONE');
  }

  /** Accepts connections without responding until `resume()`. */
  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  #arguments(port: number, directory: string): readonly string[] {
    const { password, tls, args = [] } = this.#options;
    const listen = listenSettings(port, tls, directory).flatMap(([name, value]) => [`--${name}`, value]);
    const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
    // Set the delay to 0, because by default a primary waits 5 s for further replicas before it copies its data to the
    // first replica.
    const memoryOnly = ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0'];
    return [...listen, '--bind', '127.0.0.1', '--dir', directory, ...memoryOnly, ...secret, ...args];
  }

  async #connect(): Promise<void> {
    const { password, tls } = this.#options;
    const admin = new Redis({
      port: this.#port,
      host: '127.0.0.1',
      lazyConnect: true,
      // Reconnect, because a failover closes all connections.
      retryStrategy: () => RECONNECT_DELAY_MS,
      ...withoutUndefined({ password }),
      ...adminOptions(tls),
    });
    admin.on('error', () => undefined);
    await admin.connect();
    this.#admin = admin;
  }
}
