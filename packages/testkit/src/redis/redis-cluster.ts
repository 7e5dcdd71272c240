import { freePort } from '../free-port.ts';
import { RedisNode } from './redis-node.ts';
import type { RedisNodeOptions } from './redis-node.ts';
import { waitUntil } from './wait-until.ts';

const NODES = 3;
const SLOTS = 16_384;
/** A node without a response for this long counts as failed. */
const NODE_TIMEOUT_MS = 1_000;

interface ClusterNode {
  readonly server: RedisNode;
  readonly busPort: number;
}

export interface RedisClusterOptions extends Pick<RedisNodeOptions, 'password' | 'tls'> {
  /** Makes the nodes announce themselves by the name `localhost` instead of by address. */
  readonly announceNames?: boolean;
}

/** A real Redis Cluster of three nodes without replicas, all slots covered, on loopback. */
export class RedisCluster {
  readonly #options: RedisClusterOptions;
  #nodes: readonly RedisNode[] = [];

  constructor(options: RedisClusterOptions = {}) {
    this.#options = options;
  }

  async start(): Promise<this> {
    const nodes = await Promise.all(Array.from({ length: NODES }, () => startNode(this.#options)));
    this.#nodes = nodes.map(({ server }) => server);
    await Promise.all(this.#nodes.map((server, index) => server.command('CLUSTER', 'ADDSLOTSRANGE', ...slots(index))));
    const [first] = this.#nodes;
    for (const { server, busPort } of nodes) await first?.command('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort);
    await waitUntil('the complete cluster', () => this.#isComplete());
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((server) => server.stop()));
  }

  get nodes(): readonly RedisNode[] {
    return this.#nodes;
  }

  /** `host:port` of each node. */
  get addresses(): readonly string[] {
    const host = this.#options.announceNames === true ? 'localhost' : '127.0.0.1';
    return this.#nodes.map(({ port }) => `${host}:${port}`);
  }

  /** Returns all keys of all nodes with their TTL in milliseconds. */
  async keys(): Promise<ReadonlyMap<string, number>> {
    const all = await Promise.all(this.#nodes.map((server) => server.keys()));
    return new Map(all.flatMap((keys) => [...keys]));
  }

  async flush(): Promise<void> {
    await Promise.all(this.#nodes.map((server) => server.flush()));
  }

  async #isComplete(): Promise<boolean> {
    const infos = await Promise.all(this.#nodes.map((server) => server.command('CLUSTER', 'INFO')));
    return infos.every((info) => {
      const text = String(info);
      return text.includes('cluster_state:ok') && text.includes(`cluster_known_nodes:${NODES}`);
    });
  }
}

async function startNode(options: RedisClusterOptions): Promise<ClusterNode> {
  const busPort = await freePort();
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-port', `${busPort}`];
  const named = ['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname'];
  const names = options.announceNames === true ? named : [];
  const tls = options.tls === undefined ? [] : ['--tls-cluster', 'yes'];
  const server = new RedisNode({
    ...options,
    args: [...cluster, ...tls, ...names, '--cluster-node-timeout', `${NODE_TIMEOUT_MS}`],
  });
  return { server: await server.start(), busPort };
}

/** Returns the first and the last slot of a node. */
function slots(index: number): readonly number[] {
  return [Math.floor((index * SLOTS) / NODES), Math.floor(((index + 1) * SLOTS) / NODES) - 1];
}
