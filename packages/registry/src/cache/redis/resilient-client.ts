import { BatchedTimeout, CircuitBreaker, SingleFlight, waitAtMost } from '@archpolicy/async';
import type { CircuitAdmission, Clock } from '@archpolicy/async';
import type { Cluster, Redis } from 'ioredis';
import type { Logger } from '../../logger.ts';

/** The commands of one node, of a primary behind Sentinels, or of a Cluster. */
export type RedisClient = Redis | Cluster;

/** One connection (for a Cluster: one set of connections). A connection that fails is replaced by a new one. */
export interface RedisConnection {
  readonly client: RedisClient;
  /** Connects. Rejects when connecting fails, or when the connection ends before. */
  open(): Promise<void>;
  /** Resolves when all nodes that hold keys answer. */
  ping(): Promise<void>;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  /** The code of the last error, such as `ECONNREFUSED` or `WRONGPASS`. */
  readonly lastErrorCode: string | undefined;
  /** Ends the connection immediately; commands in flight are lost. */
  close(): void;
  /** Ends the connection after the replies to commands in flight. */
  retire(): void;
}

export interface ClientParts {
  readonly connect: () => RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Timeout of a command, connecting included, milliseconds. */
  readonly commandTimeoutMs: number;
  /** Called for each command that was sent. Must not throw. */
  readonly onCommand?: (outcome: Reply<unknown>['kind'], tookMs: number) => void;
}

export type Reply<T> =
  | { readonly kind: 'reply'; readonly value: T }
  /** An error reply: Redis is read-only, still loading, out of memory, … */
  | { readonly kind: 'refused' }
  /** Redis did not answer, or the breaker is open because it did not answer recently. */
  | { readonly kind: 'unavailable' };

/** Minimum timeout of connecting, which takes several round trips, and more with TLS and Sentinels. */
export const CONNECT_TIMEOUT_MS = 500;
/** Minimum time between reconnections to a Redis that stays read-only. */
const MIN_RECONNECT_INTERVAL_MS = 5_000;
/**
 * The breaker opens after three failures in a row or within a second. It does not open after one failure, because a
 * single late reply may have another cause. The window of a second is for Clusters: when one of three nodes is
 * unavailable, only every third command fails. A recovery is detected within 5 s.
 */
const BREAKER = { failureThreshold: 3, windowMs: 1_000, firstOpenMs: 500, maxOpenMs: 5_000 };

/**
 * A client for a Redis that may be down, slow or failed over at any time (K7). Each command ends within its timeout.
 * After repeated failures no command is sent, and probes in the background detect when Redis is available again. Probes
 * use new connections, because a connection to a host that vanished seems healthy for 15 minutes.
 */
export class ResilientClient {
  readonly #parts: ClientParts;
  readonly #breaker = new CircuitBreaker(BREAKER);
  readonly #timeout: BatchedTimeout;
  /** All connections that have not ended. */
  readonly #connections = new Set<RedisConnection>();
  #connection: RedisConnection | undefined;
  readonly #opening = new SingleFlight<RedisConnection>();
  #closed = false;
  #reconnectedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#timeout = new BatchedTimeout({ clock: parts.clock });
  }

  /** Runs a command. Never rejects. */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<Reply<T>> {
    const { clock, commandTimeoutMs } = this.#parts;
    const startedAtMs = clock.monotonic();
    if (this.#isUnavailable(startedAtMs)) return { kind: 'unavailable' };
    const reply = await this.#runUntil(command, startedAtMs + commandTimeoutMs);
    this.#parts.onCommand?.(reply.kind, clock.monotonic() - startedAtMs);
    return reply;
  }

  /** Whether Redis answered the last commands, or probes since. False while the breaker is open. */
  get isUp(): boolean {
    return !this.#closed && this.#breaker.isClosed;
  }

  async #runUntil<T>(command: (client: RedisClient) => Promise<T>, deadlineMs: number): Promise<Reply<T>> {
    try {
      const waited = await this.#timeout.wait(this.#send(command), deadlineMs);
      if (waited.kind !== 'done') return this.#recordFailure();
      this.#recordSuccess();
      return { kind: 'reply', value: waited.value };
    } catch (error) {
      return isErrorReply(error) ? this.#recordErrorReply(error) : this.#recordFailure();
    }
  }

  /** Starts to connect, so that the first command finds a connection. */
  start(): void {
    if (!this.#isUnavailable(this.#parts.clock.monotonic())) this.#open().catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
    this.#connection = undefined;
    this.#timeout.close();
  }

  async #send<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    const { client } = this.#connection ?? (await this.#open());
    return command(client);
  }

  /** Opens a connection, which concurrent commands share. */
  #open(): Promise<RedisConnection> {
    return this.#opening.do('connection', () => this.#connect());
  }

  async #connect(): Promise<RedisConnection> {
    const connection = this.#create();
    if (!(await this.#completesInTime(connection, () => connection.open()))) {
      this.#markUnavailable(connection.lastErrorCode);
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

  /** Whether a step of a connection succeeds in time. If not, closes the connection. */
  async #completesInTime(connection: RedisConnection, step: () => Promise<void>): Promise<boolean> {
    const { clock, commandTimeoutMs } = this.#parts;
    const timeoutMs = Math.max(CONNECT_TIMEOUT_MS, commandTimeoutMs);
    const waited = await waitAtMost(step(), { clock, ms: timeoutMs }).catch(() => undefined);
    if (waited?.kind === 'done' && !this.#closed) return true;
    connection.close();
    return false;
  }

  #isUnavailable(nowMs: number): boolean {
    if (this.#closed) return true;
    if (this.#breaker.isClosed) return false;
    // The probe is a new connection, never a command of a caller.
    const admission = this.#breaker.tryAcquire(nowMs);
    if (admission.kind === 'allowed') void this.#probe(admission);
    return true;
  }

  async #probe(admission: CircuitAdmission): Promise<void> {
    const connection = this.#create();
    const isBack =
      (await this.#completesInTime(connection, () => connection.open())) &&
      (await this.#completesInTime(connection, () => connection.ping()));
    if (!isBack) {
      this.#breaker.recordFailure(this.#parts.clock.monotonic(), admission);
      return;
    }
    this.#connection = connection;
    this.#breaker.recordSuccess();
    this.#parts.logger.info({}, 'redis available again');
  }

  /**
   * Records a success, unless the breaker is open. In that case the reply belongs to an earlier command, and only a new
   * connection may close the breaker.
   */
  #recordSuccess(): void {
    if (this.#breaker.isClosed) this.#breaker.recordSuccess();
  }

  #recordFailure(): { readonly kind: 'unavailable' } {
    if (!this.#closed && this.#breaker.isClosed) {
      const now = this.#parts.clock.monotonic();
      this.#breaker.recordFailure(now);
      if (this.#breaker.state(now) === 'open') this.#dropConnection(this.#connection?.lastErrorCode);
    }
    return { kind: 'unavailable' };
  }

  #markUnavailable(errorCode: string | undefined): void {
    if (this.#closed || !this.#breaker.isClosed) return;
    this.#breaker.trip(this.#parts.clock.monotonic());
    this.#dropConnection(errorCode);
  }

  #dropConnection(errorCode: string | undefined): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#parts.logger.warn({ reason: errorCode ?? 'timeout' }, 'redis unavailable, continuing without it');
  }

  #recordErrorReply(error: Error): { readonly kind: 'refused' } {
    this.#recordSuccess();
    const now = this.#parts.clock.monotonic();
    // After a failover the old primary is read-only: reconnect to find the new primary.
    if (error.message.startsWith('READONLY') && now - this.#reconnectedAtMs >= MIN_RECONNECT_INTERVAL_MS) {
      this.#reconnectedAtMs = now;
      this.#connection?.retire();
      this.#connection = undefined;
    }
    return { kind: 'refused' };
  }
}

/** Whether the error is an error reply of Redis. */
function isErrorReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}
