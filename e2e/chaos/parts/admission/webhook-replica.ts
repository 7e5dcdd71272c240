import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram, waitFor } from '@archpolicy/e2e';
import type { Child, Exit, TestCluster } from '@archpolicy/e2e';
import { freePort } from '@archpolicy/testkit';
import { readMemory } from '../../../bench/process-usage.ts';
import { enterWithResolvConf } from './resolv-conf.ts';

/** The registries file of the local cluster. */
export const LOCAL_REGISTRIES = join(import.meta.dirname, '../../../../deploy/overlays/local/registries.yaml');
/** All processes of a row share one key, as those of an installation do. */
const CACHE_KEY = 'the cache key of the chaos scenarios';
const READY_TIMEOUT_MS = 30_000;

export interface ReplicaOptions {
  /** The name of the log, unique in the cluster. */
  readonly name: string;
  /** Without it, the replica uses no Redis. */
  readonly redisUrl?: string;
  /** Path of the registries file; by default that of the local cluster. */
  readonly registriesFile?: string;
  /** Directory of the serving certificate; by default that of the cluster. */
  readonly tlsDirectory?: string;
  /** Path of a resolv.conf that replaces that of the machine, for this process only. Needs root. */
  readonly resolvConf?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A webhook that a scenario starts beside that of the cluster: the real program with its real account. */
export class WebhookReplica {
  readonly name: string;
  readonly port: number;
  readonly #child: Child;
  readonly #metrics: string;
  readonly #log: string;

  private constructor(child: Child, name: string, port: number, metrics: string, log: string) {
    this.#child = child;
    this.name = name;
    this.port = port;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Starts a replica, without waiting for it. */
  static async launch(cluster: TestCluster, options: ReplicaOptions): Promise<WebhookReplica> {
    const { name, redisUrl, resolvConf, env = {} } = options;
    const [port, metricsPort] = await Promise.all([freePort(), freePort()]);
    const metrics = `127.0.0.1:${metricsPort}`;
    const child = await startProgram({
      directory: cluster.directory,
      program: 'webhook',
      name,
      env: {
        ARCHPOLICY_KUBECONFIG: join(cluster.directory, 'run', 'archpolicy-webhook.kubeconfig'),
        ARCHPOLICY_METRICS_ADDRESS: metrics,
        ARCHPOLICY_REGISTRIES_FILE: options.registriesFile ?? LOCAL_REGISTRIES,
        ARCHPOLICY_WEBHOOK_ADDRESS: `127.0.0.1:${port}`,
        ARCHPOLICY_TLS_DIRECTORY: options.tlsDirectory ?? join(cluster.directory, 'webhook-tls'),
        ARCHPOLICY_DRAIN_SECONDS: '1',
        ...(redisUrl === undefined ? {} : { ARCHPOLICY_REDIS_URL: redisUrl, ARCHPOLICY_CACHE_KEY: CACHE_KEY }),
        ...env,
      },
      ...(resolvConf === undefined ? {} : { wrapper: enterWithResolvConf(resolvConf) }),
    });
    return new WebhookReplica(child, name, port, metrics, join(cluster.directory, 'log', `${name}.log`));
  }

  /** Starts a replica and waits until it is ready. */
  static async start(cluster: TestCluster, options: ReplicaOptions): Promise<WebhookReplica> {
    const replica = await WebhookReplica.launch(cluster, options);
    await replica.untilReady();
    return replica;
  }

  async untilReady(): Promise<void> {
    const what = `the webhook ${this.name} to be ready`;
    await waitFor(
      () => {
        if (this.#child.exit() !== undefined) throw new Error('it has ended');
        return this.isReady();
      },
      { timeoutMs: READY_TIMEOUT_MS, what },
    );
  }

  /** Waits until the webhook has seen an operator that lifts gates. */
  async untilItMayGate(): Promise<void> {
    await waitFor(async () => (await this.metric('archpolicy_admission_can_gate')) === 1, {
      timeoutMs: READY_TIMEOUT_MS,
      what: `the webhook ${this.name} to see an operator`,
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`the webhook ${this.name} could not be started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child.exit() === undefined;
  }

  get exited(): Promise<Exit> {
    return this.#child.exited;
  }

  async isReady(): Promise<boolean> {
    return (await this.#get('/readyz'))?.status === 200;
  }

  /** Returns the value of a series such as `x_total{outcome="shed"}`, 0 if it does not exist. */
  async metric(series: string): Promise<number> {
    const text = (await this.#get('/metrics'))?.text ?? '';
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  }

  /** Returns the sum of all series of a metric whose labels contain the text. */
  async metricSum(name: string, labels = ''): Promise<number> {
    const text = (await this.#get('/metrics'))?.text ?? '';
    return text
      .split('\n')
      .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async memoryMiB(): Promise<number> {
    return (await readMemory(this.pid)).nowMiB;
  }

  /** Returns the number of open sockets. */
  async sockets(): Promise<number> {
    const folder = `/proc/${this.pid}/fd`;
    const links = await Promise.all(
      (await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => 'closed meanwhile')),
    );
    return links.filter((link) => link.startsWith('socket:')).length;
  }

  log(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }

  send(signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Kills it, and waits for its end. */
  async stop(): Promise<void> {
    this.send('SIGKILL');
    await this.exited;
  }

  async #get(path: string): Promise<{ readonly status: number; readonly text: string } | undefined> {
    try {
      const answer = await fetch(`http://${this.#metrics}${path}`, { signal: AbortSignal.timeout(2_000) });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return undefined;
    }
  }
}
