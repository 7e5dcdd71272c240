import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { startProgram } from '@archpolicy/e2e';
import type { Child, TestCluster } from '@archpolicy/e2e';
import { freePort } from '@archpolicy/testkit';
import { ApiProxy } from './api-proxy.ts';

/** Main file of an operator that, on each SIGUSR2, advances the clock of its leader work by ten minutes. */
const AGEING = 'fixtures/ageing/main.ts';
const REGISTRIES = join(import.meta.dirname, '../../deploy/overlays/local/registries.yaml');
/** The field with the CA certificate in a cluster of a kubeconfig. */
const CA = 'certificate-authority-data';
const kubeconfigSchema = z.looseObject({
  clusters: z.tuple([z.object({ name: z.string(), cluster: z.object({ server: z.url(), [CA]: z.base64() }) })]),
});

/** An operator that a test has started: the real program with its real account, and its own proxy to the API server. */
export class OperatorProcess {
  readonly proxy: ApiProxy;
  readonly #child: Child;
  readonly #log: string;
  readonly #metrics: string;

  private constructor(child: Child, proxy: ApiProxy, log: string, metrics: string) {
    this.#child = child;
    this.proxy = proxy;
    this.#log = log;
    this.#metrics = metrics;
  }

  /**
   * @param name the name of the operator's log and kubeconfig, which must be unique in the cluster
   * @param ages whether `advanceTenMinutes` can be used
   */
  static async start(cluster: TestCluster, name: string, { ages = false } = {}): Promise<OperatorProcess> {
    const metrics = `127.0.0.1:${await freePort()}`;
    const { proxy, kubeconfig } = await startProxy(join(cluster.directory, 'run'), name);
    const child = await startProgram({
      directory: cluster.directory,
      program: 'operator',
      name,
      env: {
        ARCHPOLICY_KUBECONFIG: kubeconfig,
        ARCHPOLICY_METRICS_ADDRESS: metrics,
        ARCHPOLICY_REGISTRIES_FILE: REGISTRIES,
        // The cases of a suite do not compete for a low rate.
        ARCHPOLICY_MAX_EVICTIONS_PER_MINUTE: '6000',
      },
      ...(ages && { main: AGEING }),
    });
    return new OperatorProcess(child, proxy, join(cluster.directory, 'log', `${name}.log`), metrics);
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
    const text = await (await fetch(`http://${this.#metrics}/metrics`)).text();
    const line = new RegExp(`^archpolicy_pods_not_evicted\\{reason="${reason}"\\} (\\d+)$`, 'mu');
    return Number(line.exec(text)?.[1]);
  }

  log(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }

  /** Resolves with the operator's exit status, or with the signal that ended the operator. */
  async ended(): Promise<number | string | null> {
    const { code, signal } = await this.#child.exited;
    return signal ?? code;
  }

  /** Kills it and stops its proxy. */
  async stop(): Promise<void> {
    this.send('SIGKILL');
    await this.#child.exited;
    await this.proxy.stop();
  }
}

/** Starts a proxy, and writes a kubeconfig with which the operator's account uses the proxy. */
async function startProxy(folder: string, name: string): Promise<{ proxy: ApiProxy; kubeconfig: string }> {
  const text = await readFile(join(folder, 'archpolicy-operator.kubeconfig'), 'utf8');
  const config = kubeconfigSchema.parse(parse(text));
  const [{ name: cluster, cluster: target }] = config.clusters;
  const proxy = await ApiProxy.start(target.server, Buffer.from(target[CA], 'base64'));
  const through = { server: proxy.url, [CA]: Buffer.from(proxy.authority).toString('base64') };
  const kubeconfig = join(folder, `${name}.kubeconfig`);
  const changed = { ...config, clusters: [{ name: cluster, cluster: through }] };
  await writeFile(kubeconfig, stringify(changed), { mode: 0o600 });
  return { proxy, kubeconfig };
}
