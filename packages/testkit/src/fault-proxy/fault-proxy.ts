import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What the proxy does to connections, those that are open included. */
export type ConnectionFault =
  /** Nothing: passes everything on. */
  | { readonly kind: 'none' }
  /** Accepts and swallows: nothing comes through in either direction. */
  | { readonly kind: 'black-hole' }
  /** Nobody listens, and open connections are reset. */
  | { readonly kind: 'refuse' }
  /** Each piece of data comes through this much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Resets open connections, and new ones as soon as they are there. */
  | { readonly kind: 'reset' }
  /** Passes so many bytes of the server's answers of each connection on, then resets it. */
  | { readonly kind: 'cut'; readonly afterBytes: number };

/** Two sockets of one connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  passed: number;
  /** Lost bytes in a black hole: it cannot go on. */
  broken: boolean;
}

/** A TCP proxy on a free port of loopback that misbehaves on demand. */
export class FaultProxy {
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #fault: ConnectionFault = { kind: 'none' };
  #listener: Server | undefined;
  #port = 0;
  #accepted = 0;

  /** @param targetPort where the real server listens on 127.0.0.1 */
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

  /** Where clients connect to; the same through all faults. */
  get port(): number {
    return this.#port;
  }

  /** How many connections were accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many connections are open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Misbehaves like this from now on. */
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
