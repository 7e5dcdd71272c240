import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ClusterError } from '../errors.ts';

/**
 * Below Linux's range for outgoing connections (32768–60999), so that no connection of anybody takes a port between
 * our choosing it and the component's binding it.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 200;

/** The ports of one cluster's components. A component keeps its ports for as long as the cluster lives. */
export class Ports {
  readonly #ports = new Map<string, ReadonlyMap<string, number>>();

  /** The ports of a component, chosen at the first call. */
  async choose(component: string, labels: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const known = this.#ports.get(component);
    if (known !== undefined) return known;
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

  /** After somebody took one of them: the next `choose` takes others. */
  forget(component: string): void {
    this.#ports.delete(component);
  }

  /** The port of a component that was started. */
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
