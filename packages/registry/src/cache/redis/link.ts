import type { Cluster, Redis } from 'ioredis';
import type { Clock, Logger } from '../../ports.ts';
import { LinkBreaker } from './link-breaker.ts';
import { TimeLimit } from './time-limit.ts';
import { within } from './within.ts';

/** The commands of one node, of a primary behind Sentinels, or of a Cluster. */
export type RedisClient = Redis | Cluster;

/** One connection (to a Cluster: one set of them). It is used until it fails, and never repaired: a new one is made. */
export interface RedisConnection {
  readonly client: RedisClient;
  /** Connects. Rejects when that fails, or the connection ends. */
  open(): Promise<void>;
  /** Resolves when everybody who holds keys answers. */
  ping(): Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** What it said last when something went wrong: a word such as `ECONNREFUSED` or `WRONGPASS`. */
  readonly trouble: string | undefined;
  /** Ends it at once; what is on its way is lost. */
  close(): void;
  /** Ends it when what is on its way has arrived. */
  retire(): void;
}

export interface LinkParts {
  readonly connect: () => RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a command may take, connecting included, milliseconds. */
  readonly commandTimeoutMs: number;
}

export type Reply<T> =
  | { readonly kind: 'reply'; readonly value: T }
  /** Redis answers, and will not: it is read-only, still loading, out of memory, … */
  | { readonly kind: 'refused' }
  /** Nobody answers, or nobody was asked because nobody answered lately. */
  | { readonly kind: 'unavailable' };

/** Connecting takes some round trips, with TLS and Sentinels some more. */
export const CONNECT_TIMEOUT_MS = 500;
/** A Redis that stays read-only is not connected to again and again. */
const RENEWAL_PAUSE_MS = 5_000;

/**
 * A way to a Redis that may be down, slow or failed over at any time (K7): a command is over after its time-out whatever
 * happens; after some failures none is tried, and only looks in the background, for which nobody waits, find out whether
 * it is back. They use new connections, since one to a host that vanished looks healthy for a quarter of an hour.
 */
export class RedisLink {
  readonly #parts: LinkParts;
  readonly #breaker = new LinkBreaker();
  readonly #limit: TimeLimit;
  /** All that have not been ended by us. */
  readonly #connections = new Set<RedisConnection>();
  #connection: RedisConnection | undefined;
  #opening: Promise<RedisConnection> | undefined;
  #probing = false;
  #closed = false;
  #renewedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#limit = new TimeLimit(parts.clock, parts.commandTimeoutMs);
  }

  /** Never rejects. */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<Reply<T>> {
    if (this.#isAway()) return { kind: 'unavailable' };
    try {
      const waited = await this.#limit.within(this.#send(command));
      if (waited.kind === 'late') return this.#failed();
      this.#breaker.succeeded();
      return { kind: 'reply', value: waited.value };
    } catch (error) {
      return isReply(error) ? this.#refused(error) : this.#failed();
    }
  }

  /** Begins to connect, so that the first command finds a connection. */
  start(): void {
    if (!this.#isAway()) this.#open().catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
    this.#connection = undefined;
    this.#limit.close();
  }

  async #send<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    const { client } = this.#connection ?? (await this.#open());
    return command(client);
  }

  /** All who need a connection wait for the same one. */
  #open(): Promise<RedisConnection> {
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #connect(): Promise<RedisConnection> {
    const connection = this.#create();
    if (!(await this.#answers(connection, () => connection.open()))) {
      this.#away(connection.trouble);
      throw new Error('no connection to redis');
    }
    this.#connection = connection;
    return connection;
  }

  #create(): RedisConnection {
    const connection = this.#parts.connect();
    this.#connections.add(connection);
    void connection.ended.then(() => {
      this.#connections.delete(connection);
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  /** Whether something of a connection works in time; if not, the connection is ended. */
  async #answers(connection: RedisConnection, step: () => Promise<void>): Promise<boolean> {
    const { clock, commandTimeoutMs } = this.#parts;
    const timeoutMs = Math.max(CONNECT_TIMEOUT_MS, commandTimeoutMs);
    const waited = await within(step(), clock, timeoutMs).catch(() => undefined);
    if (waited?.kind === 'done' && !this.#closed) return true;
    connection.close();
    return false;
  }

  #isAway(): boolean {
    if (this.#closed) return true;
    const state = this.#breaker.state(this.#parts.clock.monotonic());
    if (state === 'due' && !this.#probing) void this.#probe();
    return state !== 'closed';
  }

  async #probe(): Promise<void> {
    this.#probing = true;
    const connection = this.#create();
    const isBack =
      (await this.#answers(connection, () => connection.open())) &&
      (await this.#answers(connection, () => connection.ping()));
    this.#probing = false;
    if (!isBack) {
      this.#breaker.open(this.#parts.clock.monotonic());
      return;
    }
    this.#connection = connection;
    this.#breaker.close();
    this.#parts.logger.info({}, 'redis answers again');
  }

  #failed(): { readonly kind: 'unavailable' } {
    if (this.#breaker.failed(this.#parts.clock.monotonic())) this.#leave(this.#connection?.trouble);
    return { kind: 'unavailable' };
  }

  #away(trouble: string | undefined): void {
    const { clock } = this.#parts;
    if (this.#closed || this.#breaker.state(clock.monotonic()) !== 'closed') return;
    this.#breaker.open(clock.monotonic());
    this.#leave(trouble);
  }

  #leave(trouble: string | undefined): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#parts.logger.warn({ reason: trouble ?? 'timeout' }, 'redis does not answer: going on without');
  }

  #refused(error: Error): { readonly kind: 'refused' } {
    this.#breaker.succeeded();
    const now = this.#parts.clock.monotonic();
    // After a failover the old primary is read-only, and another server is the primary.
    if (error.message.startsWith('READONLY') && now - this.#renewedAtMs >= RENEWAL_PAUSE_MS) {
      this.#renewedAtMs = now;
      this.#connection?.retire();
      this.#connection = undefined;
    }
    return { kind: 'refused' };
  }
}

/** An error that Redis itself answered with. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}
