import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage } from '@archpolicy/e2e';
import { PODS } from '@archpolicy/kube';
import type { JsonObject } from '@archpolicy/core';
import { DEPLOYMENTS } from '../../support/live-cluster.ts';
import type { LiveCluster } from '../../support/live-cluster.ts';
import { podTemplate, workload } from '../../support/manifests.ts';

const POD_EVERY_MS = 2_000;
const DEPLOYMENT_EVERY_MS = 4_000;
/** How many pods and deployments live at the same time: the oldest are deleted. */
const MAX_PODS = 20;
const MAX_DEPLOYMENTS = 20;
const MAX_REPLICAS = 3;

/** The images of the soak: of each kind a new tag for each deployment, so that some are never cached. */
const IMAGES: Readonly<Record<string, readonly string[]>> = {
  'only-arm64': ['arm64'],
  'only-amd64': ['amd64'],
  both: ['amd64', 'arm64'],
};

export interface CreatorOptions {
  readonly live: LiveCluster;
  readonly namespace: string;
  /** host:port to push to. */
  readonly registry: string;
  /** host:port in the references, behind the proxy that fails. */
  readonly reachedAs: string;
  readonly random: () => number;
  /** Whether the API server is down, because the soak has ended it. */
  readonly isApiServerDown: () => boolean;
}

/** Creates and deletes pods and deployments at a steady rate. */
export class Creators {
  readonly #options: CreatorOptions;
  /** The architectures of each app. */
  readonly #apps = new Map<string, readonly string[]>();
  #pods: readonly string[] = [];
  #deployments: readonly string[] = [];
  #next = 0;
  /** The messages of the API server about objects that it refused. */
  readonly refused: string[] = [];
  /** Requests that failed while the API server was down. */
  failedWhileDown = 0;
  created = 0;

  constructor(options: CreatorOptions) {
    this.#options = options;
  }

  /** The architectures that the image of an app supports. */
  supported(app: string): readonly string[] | undefined {
    return this.#apps.get(app);
  }

  /** The deployments that exist, and the apps of pods that have no owner. */
  get deployments(): readonly string[] {
    return this.#deployments;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#repeat(signal, POD_EVERY_MS, () => this.#createPod()),
      this.#repeat(signal, DEPLOYMENT_EVERY_MS, () => this.#createDeployment()),
    ]);
  }

  async #repeat(signal: AbortSignal, everyMs: number, create: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await create();
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #createPod(): Promise<void> {
    const { app, template } = await this.#template('pod');
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      ...template,
      metadata: { ...(template['metadata'] as JsonObject), name: app },
    };
    if (await this.#send(() => this.#options.live.create(PODS, this.#options.namespace, pod)))
      this.#pods = [...this.#pods, app];
    if (this.#pods.length <= MAX_PODS) return;
    const [oldest = '', ...others] = this.#pods;
    if (await this.#send(() => this.#options.live.remove(PODS, this.#options.namespace, oldest))) this.#pods = others;
  }

  async #createDeployment(): Promise<void> {
    const { live, namespace, random } = this.#options;
    const { app, template } = await this.#template('web');
    const replicas = 1 + Math.floor(random() * MAX_REPLICAS);
    const deployment = workload('Deployment', namespace, app, template, { replicas });
    if (await this.#send(() => live.create(DEPLOYMENTS, namespace, deployment)))
      this.#deployments = [...this.#deployments, app];
    if (this.#deployments.length <= MAX_DEPLOYMENTS) return;
    const [oldest = '', ...others] = this.#deployments;
    if (await this.#send(() => live.remove(DEPLOYMENTS, namespace, oldest))) this.#deployments = others;
  }

  async #template(prefix: string): Promise<{ readonly app: string; readonly template: JsonObject }> {
    const { registry, reachedAs, random } = this.#options;
    this.#next += 1;
    const number = this.#next;
    const app = `${prefix}-${number}`;
    const names = Object.keys(IMAGES);
    const name = names[Math.floor(random() * names.length)] ?? 'both';
    const architectures = IMAGES[name] ?? [];
    const platforms = architectures.map((one) => `linux/${one}`);
    await pushImage(registry, `soak/${name}`, `v${number}`, platforms);
    this.#apps.set(app, architectures);
    const reference = `${reachedAs}/soak/${name}:v${number}`;
    return { app, template: podTemplate(app, { reference, platforms }) };
  }

  /** Sends a request. Returns whether it succeeded. */
  async #send(request: () => Promise<unknown>): Promise<boolean> {
    try {
      await request();
      this.created += 1;
      return true;
    } catch (error) {
      if (this.#options.isApiServerDown()) this.failedWhileDown += 1;
      else this.refused.push(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
}
