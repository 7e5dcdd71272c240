import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A fault that affects all connections, including open ones. */
export type ConnectionFault =
  /** Forwards everything. */
  | { readonly kind: 'none' }
  /** Accepts connections and drops data in both directions. */
  | { readonly kind: 'black-hole' }
  /** Stops listening and resets open connections. */
  | { readonly kind: 'refuse' }
  /** Delays each chunk of data. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Resets open connections, and new connections as soon as they are accepted. */
  | { readonly kind: 'reset' }
  /** Forwards this many bytes of the server on each connection, then resets the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number };

/** The two sockets of one connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  passed: number;
  /** Whether the connection lost data in a black hole, so that it cannot continue. */
  broken: boolean;
}

/** Number of chunks that are kept of what clients sent. */
const MAX_RECEIVED = 100;

/** A TCP proxy on a free loopback port that injects faults. */
export class FaultProxy {
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #fault: ConnectionFault = { kind: 'none' };
  #listener: Server | undefined;
  #port = 0;
  #accepted = 0;
  #received: readonly Buffer[] = [];

  /** @param targetPort the real server's port on 127.0.0.1 */
  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  async start(): Promise<this> {
    await this.#listen();
    return this;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#unlisten();
  }

  /** The port for clients; constant across faults. */
  get port(): number {
    return this.#port;
  }

  /** The number of accepted connections. */
  get accepted(): number {
    return this.#accepted;
  }

  /** What clients have sent, one connection after the other and in the order of arrival. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** The number of open connections. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Sets the current fault. */
  async set(fault: ConnectionFault): Promise<void> {
    this.#fault = fault;
    if (fault.kind === 'refuse') return this.#unlisten();
    this.#reset((pair) => pair.broken || fault.kind === 'reset');
    if (this.#listener === undefined) await this.#listen();
  }

  #listen(): Promise<void> {
    const listener = createServer((client) => {
      this.#accept(client);
    });
    this.#listener = listener;
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.#port, '127.0.0.1', () => {
        this.#port = (listener.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #unlisten(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#reset(() => true);
    if (listener === undefined) return;
    await new Promise<void>((resolve) => {
      listener.close(() => {
        resolve();
      });
    });
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const pair: Pair = { client, server: connect(this.#targetPort, '127.0.0.1'), passed: 0, broken: false };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      pair.server.destroy();
    };
    for (const socket of [client, pair.server]) socket.setNoDelay(true).on('error', end).on('close', end);
    client.on('data', (data) => {
      this.#received = [...this.#received, data].slice(-MAX_RECEIVED);
      this.#pass(data, pair.server, pair);
    });
    pair.server.on('data', (data) => {
      this.#passResponse(data, pair);
    });
    if (this.#fault.kind === 'reset') client.resetAndDestroy();
  }

  #passResponse(data: Buffer, pair: Pair): void {
    const fault = this.#fault;
    const remaining = fault.kind === 'cut' ? Math.max(0, fault.afterBytes - pair.passed) : data.length;
    pair.passed += data.length;
    if (remaining >= data.length) {
      this.#pass(data, pair.client, pair);
      return;
    }
    pair.client.write(data.subarray(0, remaining), () => pair.client.resetAndDestroy());
  }

  #pass(data: Buffer, to: Socket, pair: Pair): void {
    if (this.#fault.kind === 'black-hole') {
      pair.broken = true;
      return;
    }
    if (this.#fault.kind !== 'delay') {
      to.write(data);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      to.write(data);
    }, this.#fault.ms);
    this.#timers.add(timer);
  }

  #reset(selects: (pair: Pair) => boolean): void {
    for (const pair of [...this.#pairs].filter(selects)) {
      pair.client.resetAndDestroy();
      pair.server.destroy();
    }
  }
}
