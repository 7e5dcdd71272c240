import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram } from '@archpolicy/e2e';
import type { Child } from '@archpolicy/e2e';
import { FaultProxy, freePort } from '@archpolicy/testkit';
import { scrape } from '../../support/metrics.ts';
import type { Metrics } from '../../support/metrics.ts';
import type { ScenarioContext } from '../framework/scenario.ts';
import { writeAccountKubeconfig } from './account-kubeconfig.ts';

const REGISTRIES = join(import.meta.dirname, '../../../deploy/overlays/local/registries.yaml');

export interface WebhookOptions {
  /** Further environment variables, which override those of the local cluster. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of `tls.crt` and `tls.key`; by default that of the cluster's webhook. */
  readonly tlsDirectory?: string;
  /** The file of the CA certificate for the webhook's clients. */
  readonly authorityFile?: string;
}

/** A further real webhook with a fault proxy between it and the API server. It is called directly, at a port of its own. */
export class ChaosWebhook {
  readonly port: number;
  /** The CA certificate for clients, PEM. */
  readonly authority: string;
  /** The proxy between the webhook and the API server. */
  readonly network: FaultProxy;
  readonly #child: Child;
  readonly #ops: string;
  readonly #log: string;

  private constructor(parts: {
    readonly port: number;
    readonly authority: string;
    readonly network: FaultProxy;
    readonly child: Child;
    readonly ops: string;
    readonly log: string;
  }) {
    this.port = parts.port;
    this.authority = parts.authority;
    this.network = parts.network;
    this.#child = parts.child;
    this.#ops = parts.ops;
    this.#log = parts.log;
  }

  /** Starts a webhook that is stopped at the end of the scenario, and waits until it is ready. */
  static async start(context: ScenarioContext, name: string, options: WebhookOptions = {}): Promise<ChaosWebhook> {
    const chaos = await context.cluster();
    const { cluster } = chaos;
    const [port, opsPort] = [await freePort(), await freePort()];
    const started: { network?: FaultProxy } = {};
    const { file } = await writeAccountKubeconfig(cluster, 'archpolicy-webhook', name, async (apiServerPort) => {
      started.network = await new FaultProxy(apiServerPort).start();
      return started.network.port;
    });
    const { network } = started;
    if (network === undefined) throw new Error('the proxy has not started');
    const child = await startProgram({
      directory: cluster.directory,
      program: 'webhook',
      name,
      env: {
        ARCHPOLICY_KUBECONFIG: file,
        ARCHPOLICY_METRICS_ADDRESS: `127.0.0.1:${opsPort}`,
        ARCHPOLICY_REGISTRIES_FILE: REGISTRIES,
        ARCHPOLICY_WEBHOOK_ADDRESS: `127.0.0.1:${port}`,
        ARCHPOLICY_TLS_DIRECTORY: options.tlsDirectory ?? join(cluster.directory, 'webhook-tls'),
        ARCHPOLICY_DRAIN_SECONDS: '1',
        ...options.env,
      },
    });
    const authority = await readFile(options.authorityFile ?? cluster.get('WEBHOOK_CA'), 'utf8');
    const log = join(cluster.directory, 'log', `${name}.log`);
    const webhook = new ChaosWebhook({ port, authority, network, child, ops: `http://127.0.0.1:${opsPort}`, log });
    context.cleanUp(() => webhook.stop());
    await chaos.waitFor(`${name} to be ready`, () => webhook.isReady());
    return webhook;
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`${this.#ops}/readyz`).catch(() => undefined))?.ok === true;
  }

  metrics(): Promise<Metrics> {
    return scrape(`${this.#ops}/metrics`);
  }

  log(): Promise<string> {
    return readFile(this.#log, 'utf8');
  }

  send(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Whether the process has ended. */
  get hasEnded(): boolean {
    return this.#child.exit() !== undefined;
  }

  /** Resolves with the exit status, or with the signal that ended it. */
  async ended(): Promise<number | string | null> {
    const { code, signal } = await this.#child.exited;
    return signal ?? code;
  }

  /** Kills it and stops its proxy. */
  async stop(): Promise<void> {
    this.send('SIGKILL');
    await this.#child.exited;
    await this.network.stop();
  }
}
