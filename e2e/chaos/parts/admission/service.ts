import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often the readiness of the replicas is checked: the shortest period of a kubelet's probe. */
const PROBE_PERIOD_MS = 1_000;

/** A webhook that a Service routes to. */
export interface Endpoint {
  readonly port: number;
  isReady(): Promise<boolean>;
}

/**
 * A Service in front of replicas: new connections go to the ready replicas in turn, open ones stay where they are. As in a
 * cluster, a replica that has died gets connections until a probe notices it.
 */
export class Service {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stop = new AbortController();
  #replicas: readonly Endpoint[] = [];
  #ready: readonly Endpoint[] = [];
  #next = 0;
  #probing: Promise<void> = Promise.resolve();

  private constructor() {
    this.#server = createServer({ noDelay: true }, (client) => {
      this.#accept(client);
    });
  }

  static async start(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    service.#probing = service.#probe();
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Routes to these replicas only, as soon as they are ready. */
  route(replicas: readonly Endpoint[]): void {
    this.#replicas = replicas;
  }

  /** Adds a replica, which gets connections as soon as it is ready. */
  add(replica: Endpoint): void {
    this.#replicas = [...this.#replicas, replica];
  }

  /** Removes a replica that has ended. */
  remove(replica: Endpoint): void {
    this.#replicas = this.#replicas.filter((one) => one !== replica);
    this.#ready = this.#ready.filter((one) => one !== replica);
  }

  /** Whether the replica gets connections. */
  routesTo(replica: Endpoint): boolean {
    return this.#ready.includes(replica);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all([this.#probing, new Promise((resolve) => this.#server.close(resolve))]);
  }

  #accept(client: Socket): void {
    const replica = this.#ready[this.#next % Math.max(1, this.#ready.length)];
    this.#next += 1;
    if (replica === undefined) {
      client.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const server = connect({ port: replica.port, host: '127.0.0.1', noDelay: true });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  async #probe(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const all = this.#replicas;
      const answers = await Promise.all(all.map((replica) => replica.isReady()));
      this.#ready = all.filter((replica, index) => answers[index] === true && this.#replicas.includes(replica));
      await sleep(PROBE_PERIOD_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
