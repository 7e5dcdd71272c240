import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ClusterError } from '../errors.ts';

/**
 * The first port to choose. The range is below Linux's range for outgoing connections (32768–60999), so that no
 * connection takes a chosen port before the component binds it.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 200;

/** Component → label → port. */
export type FixedPorts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The ports of one cluster's components. A component keeps its ports for the lifetime of the cluster. */
export class Ports {
  readonly #ports: Map<string, ReadonlyMap<string, number>>;
  readonly #fixed: FixedPorts;

  /** @param fixed ports of components that are reached at these ports from outside of the cluster's network namespace */
  constructor(fixed: FixedPorts = {}) {
    this.#fixed = fixed;
    this.#ports = new Map(Object.entries(fixed).map(([name, ports]) => [name, new Map(Object.entries(ports))]));
  }

  /** Returns the ports of a component, chosen at the first call. */
  async choose(component: string, labels: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const existing = this.#ports.get(component);
    if (existing !== undefined) return existing;
    const taken = new Set([...this.#ports.values()].flatMap((ports) => [...ports.values()]));
    const chosen = new Map<string, number>();
    for (const label of labels) {
      const port = await freePort(taken);
      taken.add(port);
      chosen.set(label, port);
    }
    this.#ports.set(component, chosen);
    return chosen;
  }

  /**
   * Forgets the ports of a component after one of them turned out to be in use. The next `choose` selects other ports.
   */
  forget(component: string): void {
    if (this.#fixed[component] === undefined) this.#ports.delete(component);
  }

  /** Returns the port of a component that has been started. */
  get(component: string, label: string): number {
    const port = this.#ports.get(component)?.get(label);
    if (port === undefined) throw new ClusterError('Component', `${component} has no port ${label} yet`);
    return port;
  }
}

async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (!taken.has(port) && (await canListen(port))) return port;
  }
  throw new ClusterError('Component', `no free port between ${FIRST_PORT} and ${LAST_PORT} on 127.0.0.1`);
}

function canListen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => {
    resolve(false);
  });
  server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
    server.close(() => {
      resolve(true);
    });
  });
  return promise;
}
