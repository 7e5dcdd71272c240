import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { startProgram } from '@archpolicy/e2e';
import type { Child, TestCluster } from '@archpolicy/e2e';
import { FaultProxy, freePort } from '@archpolicy/testkit';
import { ApiProxy } from './api-proxy.ts';
import { scrape } from './metrics.ts';
import type { Metrics } from './metrics.ts';

/** Main file of an operator that, on each SIGUSR2, advances the clock of its leader work by ten minutes. */
const AGEING = 'fixtures/ageing/main.ts';
const REGISTRIES = join(import.meta.dirname, '../../deploy/overlays/local/registries.yaml');
/** The field with the CA certificate in a cluster of a kubeconfig. */
const CA = 'certificate-authority-data';
const kubeconfigSchema = z.looseObject({
  clusters: z.tuple([z.object({ name: z.string(), cluster: z.object({ server: z.url(), [CA]: z.base64() }) })]),
  users: z.array(z.looseObject({ name: z.string() })),
});

export interface OperatorProcessOptions {
  /** Whether `advanceTenMinutes` can be used. */
  readonly ages?: boolean;
  /** Whether a TCP proxy that injects faults is between the operator and its proxy to the API server. */
  readonly network?: boolean;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** A file with the token of the operator's account, which replaces the token in the kubeconfig. */
  readonly tokenFile?: string;
}

/** An operator that a test has started: the real program with its real account, and its own proxy to the API server. */
export class OperatorProcess {
  readonly proxy: ApiProxy;
  readonly #network: FaultProxy | undefined;
  readonly #child: Child;
  readonly #log: string;
  readonly #metrics: string;

  private constructor(child: Child, connection: Connection, log: string, metrics: string) {
    this.#child = child;
    this.proxy = connection.proxy;
    this.#network = connection.network;
    this.#log = log;
    this.#metrics = metrics;
  }

  /** @param name the name of the operator's log and kubeconfig, which must be unique in the cluster */
  static async start(
    cluster: TestCluster,
    name: string,
    options: OperatorProcessOptions = {},
  ): Promise<OperatorProcess> {
    const metrics = `127.0.0.1:${await freePort()}`;
    const connection = await connect(join(cluster.directory, 'run'), name, options);
    const child = await startProgram({
      directory: cluster.directory,
      program: 'operator',
      name,
      env: {
        ARCHPOLICY_KUBECONFIG: connection.kubeconfig,
        // The webhook of the local cluster has its certificate from files.
        ARCHPOLICY_CERTIFICATES: 'external',
        ARCHPOLICY_METRICS_ADDRESS: metrics,
        ARCHPOLICY_REGISTRIES_FILE: REGISTRIES,
        // The cases of a suite do not compete for a low rate.
        ARCHPOLICY_MAX_EVICTIONS_PER_MINUTE: '6000',
        ...options.env,
      },
      ...(options.ages === true && { main: AGEING }),
    });
    return new OperatorProcess(child, connection, join(cluster.directory, 'log', `${name}.log`), metrics);
  }

  send(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /**
   * Advances the clock of the operator's leader work by ten minutes, but not the clock of the Lease or of the cluster.
   */
  advanceTenMinutes(): void {
    this.#child.kill('SIGUSR2');
  }

  /** The TCP proxy. @throws Error if the operator was started without one */
  get network(): FaultProxy {
    if (this.#network === undefined) throw new Error('this operator was started without a TCP proxy');
    return this.#network;
  }

  /** Undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it has ever acquired the Lease. */
  async isLeading(): Promise<boolean> {
    return (await this.log()).includes('"msg":"became leader"');
  }

  /** Whether the operator's caches are complete, so that the operator can become the leader. */
  async isReady(): Promise<boolean> {
    return (await fetch(`http://${this.#metrics}/readyz`).catch(() => undefined))?.ok === true;
  }

  /** Returns the number of pods that are not evicted for this reason. */
  async countNotEvicted(reason: string): Promise<number> {
    return (await this.metrics()).value(`archpolicy_pods_not_evicted{reason="${reason}"}`);
  }

  metrics(): Promise<Metrics> {
    return scrape(`http://${this.#metrics}/metrics`);
  }

  log(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }

  /** Resolves with the operator's exit status, or with the signal that ended the operator. */
  async ended(): Promise<number | string | null> {
    const { code, signal } = await this.#child.exited;
    return signal ?? code;
  }

  /** Whether the process has ended. */
  get hasEnded(): boolean {
    return this.#child.exit() !== undefined;
  }

  /** Kills it and stops its proxies. */
  async stop(): Promise<void> {
    this.send('SIGKILL');
    await this.#child.exited;
    await this.#network?.stop();
    await this.proxy.stop();
  }
}

/** The way from an operator to the API server. */
interface Connection {
  readonly proxy: ApiProxy;
  readonly network?: FaultProxy;
  readonly kubeconfig: string;
}

/** Starts the proxies, and writes a kubeconfig with which the operator's account uses them. */
async function connect(folder: string, name: string, options: OperatorProcessOptions): Promise<Connection> {
  const text = await readFile(join(folder, 'archpolicy-operator.kubeconfig'), 'utf8');
  const config = kubeconfigSchema.parse(parse(text));
  const [{ name: cluster, cluster: target }] = config.clusters;
  const proxy = await ApiProxy.start(target.server, Buffer.from(target[CA], 'base64'));
  const network = options.network === true ? await new FaultProxy(Number(new URL(proxy.url).port)).start() : undefined;
  const server = network === undefined ? proxy.url : `https://127.0.0.1:${network.port}`;
  const through = { server, [CA]: Buffer.from(proxy.authority).toString('base64') };
  const kubeconfig = join(folder, `${name}.kubeconfig`);
  const { tokenFile } = options;
  const users = tokenFile === undefined ? config.users : config.users.map((user) => ({ ...user, user: { tokenFile } }));
  const changed = { ...config, clusters: [{ name: cluster, cluster: through }], users };
  await writeFile(kubeconfig, stringify(changed), { mode: 0o600 });
  return { proxy, kubeconfig, ...(network !== undefined && { network }) };
}
