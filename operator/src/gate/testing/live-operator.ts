import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { createClusterViewWithPods } from '@archpolicy/cluster-view';
import { ApiClient, EventRecorder, fixedCredentials, KubeConfigCredentials } from '@archpolicy/kube';
import type { Credentials } from '@archpolicy/kube';
import { createInspector, fixedRegistries } from '@archpolicy/registry';
import type { RegistriesSource } from '@archpolicy/registry';
import { createRegistry, systemClock } from '@archpolicy/service';
import { GateController } from '../gate-controller.ts';
import { createGateMetrics } from '../metrics.ts';
import { RawPods } from '../raw-pods.ts';

/** kubectl of a real cluster, as the user with all rights. */
export type Kubectl = (
  args: readonly string[],
  stdin?: string,
) => Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number }>;

const clock = systemClock();
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** What kubectl printed. @throws with what it complained of */
export async function output(kubectl: Kubectl, args: readonly string[], stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await kubectl(args, stdin);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What a ServiceAccount of ours connects with. */
export async function operatorCredentials(kubectl: Kubectl): Promise<Pick<Credentials, 'server' | 'tls' | 'headers'>> {
  const config = parsed(await output(kubectl, ['config', 'view', '--raw', '--minify', '-o', 'json']));
  const [entry] = Array.isArray(config['clusters']) ? (config['clusters'] as readonly Json[]) : [];
  const cluster = isJsonObject(entry) ? objectAt(entry, 'cluster') : {};
  const token = await output(kubectl, ['create', 'token', 'archpolicy-operator', '-n', 'archpolicy-system']);
  return {
    server: textAt(cluster, 'server') ?? '',
    tls: { ca: Buffer.from(textAt(cluster, 'certificate-authority-data') ?? '', 'base64').toString() },
    headers: { authorization: `Bearer ${token.trim()}` },
  };
}

/** A client of the operator's account. */
export async function operatorClient(kubectl: Kubectl): Promise<ApiClient> {
  const credentials = fixedCredentials(await operatorCredentials(kubectl));
  return new ApiClient({ credentials, clock, userAgent: 'archpolicy-operator/test' });
}

/** A client with all rights. */
export function adminClient(kubeconfig: string): ApiClient {
  return new ApiClient({
    credentials: new KubeConfigCredentials({ file: kubeconfig }, clock),
    clock,
    userAgent: 'archpolicy-test/0',
  });
}

/** The gate controller with everything that it works with, in this process, as the operator's account. */
export class LiveOperator {
  readonly metrics = createRegistry();
  readonly #stop = new AbortController();
  readonly #closing: (() => Promise<unknown>)[] = [];

  static async start(kubectl: Kubectl, registries: RegistriesSource = fixedRegistries()): Promise<LiveOperator> {
    const operator = new LiveOperator();
    await operator.#start(await operatorClient(kubectl), registries);
    return operator;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const close of this.#closing) await close();
  }

  async #start(api: ApiClient, registries: RegistriesSource): Promise<void> {
    const { signal } = this.#stop;
    const random = Math.random;
    const rawPods = new RawPods();
    const view = createClusterViewWithPods({
      api,
      clock,
      random,
      logger: QUIET,
      seePod: (raw) => {
        rawPods.see(raw);
      },
    });
    const inspector = createInspector({ clock, registries });
    const recorder = { api, controller: 'archpolicy.dev/operator', instance: 'test', clock, random, logger: QUIET };
    const events = new EventRecorder(recorder);
    const watching = view.run(signal);
    await view.synced(signal);
    const controller = new GateController({
      api,
      view,
      rawPods,
      inspector,
      pullSecrets: { read: () => Promise.resolve([]) },
      events,
      metrics: createGateMetrics(this.metrics),
      clock,
      random,
      logger: QUIET,
    });
    const running = [watching, events.run(signal), controller.run(signal)];
    this.#closing.push(
      () => Promise.all(running),
      () => inspector.close(),
      () => api.close(),
    );
  }
}

function parsed(text: string): JsonObject {
  const value = JSON.parse(text) as Json;
  return isJsonObject(value) ? value : {};
}

function nothing(): void {
  // Tests look at the cluster.
}
