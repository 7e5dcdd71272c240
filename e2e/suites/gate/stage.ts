import type { JsonObject } from '@archpolicy/core';
import { isJsonObject, objectAt } from '@archpolicy/core';
import { PLATFORMS_ANNOTATION, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { Fault } from '@archpolicy/testkit';
import { setTimeout as sleep } from 'node:timers/promises';

export const GATE = 'archpolicy.dev/inspecting';
/** Generous: the machine does other things. */
const PATIENCE_MS = 60_000;
const signal = new AbortController().signal;
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms: number, until?: AbortSignal) => {
    await sleep(ms, undefined, { signal: until });
  },
};

/** One cluster with webhook and operator, and a registry of which each repository can be made slow or wrong. */
export class Stage {
  cluster: TestCluster;
  readonly registry: FakeRegistry;
  readonly #api: ApiClient;
  readonly #faults = new Map<string, Fault>();
  readonly #silent: FakeRegistry[] = [];

  private constructor(cluster: TestCluster, registry: FakeRegistry) {
    this.cluster = cluster;
    this.registry = registry;
    const credentials = new KubeConfigCredentials({ file: cluster.get('KUBECONFIG') }, clock);
    this.#api = new ApiClient({ credentials, clock, userAgent: 'archpolicy-test/0' });
    registry.fault = ({ path }) => this.#faults.get(/^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(path)?.[1] ?? '');
  }

  static async open(): Promise<Stage> {
    const [cluster, registry] = await Promise.all([startCluster(), new FakeRegistry().start()]);
    const stage = new Stage(cluster, registry);
    // It matches every namespace: cases bring policies of their own.
    await stage.kubectl(['delete', 'archpolicy', 'default']);
    await stage.canGate();
    return stage;
  }

  async close(): Promise<void> {
    await this.#api.close();
    await this.cluster.stop();
    await Promise.all([this.registry, ...this.#silent].map((registry) => registry.stop()));
  }

  /** An image of which the registry never says anything. It is alone there: a silent registry is soon asked no more. */
  async silentImage(): Promise<string> {
    const registry = await new FakeRegistry().start();
    this.#silent.push(registry);
    registry.fault = () => ({ kind: 'hang' });
    return `${registry.host}/silent:v1`;
  }

  /** Until the webhook has seen that the operator renews its Lease. */
  async canGate(): Promise<void> {
    const url = this.cluster.get('WEBHOOK_METRICS');
    const read = async (): Promise<boolean> =>
      /^archpolicy_admission_can_gate 1$/mu.test(await (await fetch(url)).text());
    await waitFor(read, { timeoutMs: PATIENCE_MS, what: 'the webhook to gate' });
  }

  /** What kubectl printed. @throws with what it complained of */
  async kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { status, stdout, stderr } = await this.cluster.kubectl(args, stdin);
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  apply(...items: readonly JsonObject[]): Promise<string> {
    return this.kubectl(
      ['apply', '--server-side', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    );
  }

  /** An object of the API; undefined when there is none. */
  async get(path: string): Promise<JsonObject | undefined> {
    const answer = await this.#api.request({ method: 'GET', path, signal });
    return answer.kind === 'ok' && isJsonObject(answer.body) ? answer.body : undefined;
  }

  until<T>(what: string, condition: () => Promise<T> | T): ReturnType<typeof waitFor<T>> {
    return waitFor(condition, { timeoutMs: PATIENCE_MS, what });
  }

  push(repository: string, platforms: readonly string[]): string {
    this.registry.push(repository, 'v1', multiPlatformImage(platforms, repository));
    return `${this.registry.host}/${repository}:v1`;
  }

  /** From now on this is what the repository's clients get. */
  breaks(repository: string, fault: Fault): void {
    this.#faults.set(repository, fault);
  }

  /** Keeps the repository's clients waiting until the returned function is called. */
  holds(repository: string): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.breaks(repository, { kind: 'late', until: promise });
    return () => {
      this.#faults.delete(repository);
      resolve(undefined);
    };
  }

  /** A namespace and a policy of its own, so that cases run side by side. */
  async scene(name: string, spec: JsonObject = {}): Promise<Scene> {
    const labels = { scene: name };
    const policy = { priority: 10, namespaceSelector: { matchLabels: labels }, ...spec };
    await this.apply(
      { apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata: { name }, spec: policy },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    );
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await this.until('the default account of the namespace', async () => (await this.get(account)) !== undefined);
    return new Scene(this, name);
  }
}

/** One case. */
export class Scene {
  readonly stage: Stage;
  readonly name: string;

  constructor(stage: Stage, name: string) {
    this.stage = stage;
    this.name = name;
  }

  kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return this.stage.kubectl(['-n', this.name, ...args], stdin);
  }

  /** An image that the registry answers for at once. */
  image(name: string, ...platforms: readonly string[]): string {
    return this.stage.push(`${this.name}/${name}`, platforms);
  }

  /** An image that the registry answers for when it is released. */
  slowImage(name: string, ...platforms: readonly string[]): { readonly image: string; readonly release: () => void } {
    return { image: this.image(name, ...platforms), release: this.stage.holds(`${this.name}/${name}`) };
  }

  /** A plain create: an applied bare pod may be its owner's business (PL1). */
  create(...pods: readonly JsonObject[]): Promise<string> {
    return this.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }));
  }

  /** Node, architectures required, and gates of a pod. */
  async state(pod: string): Promise<string> {
    const object = await this.stage.get(`/api/v1/namespaces/${this.name}/pods/${pod}`);
    return object === undefined ? 'absent' : stateOf(object);
  }

  /** The states of the pods with this label. */
  async states(app: string): Promise<readonly string[]> {
    const list = await this.stage.get(`/api/v1/namespaces/${this.name}/pods?labelSelector=app%3D${app}`);
    const items = Array.isArray(list?.['items']) ? (list['items'] as readonly JsonObject[]) : [];
    return items.map(stateOf);
  }

  async becomes(pod: string, state: RegExp): Promise<void> {
    await this.stage.until(`pod ${pod} to become ${String(state)}`, async () => {
      const now = await this.state(pod);
      if (!state.test(now)) throw new Error(`it is "${now}"`);
      return true;
    });
  }

  async become(app: string, count: number, state: RegExp): Promise<void> {
    await this.stage.until(`${count} pods of ${app} to become ${String(state)}`, async () => {
      const now = await this.states(app);
      if (now.length !== count || !now.every((one) => state.test(one))) throw new Error(`they are ${now.join('; ')}`);
      return true;
    });
  }

  /** Until an event of this reason is told of the pod. */
  async told(pod: string, reason: string): Promise<void> {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.name}/events`;
    await this.stage.until(`an event ${reason} of ${pod}`, async () => {
      const items = ((await this.stage.get(path))?.['items'] ?? []) as readonly JsonObject[];
      return items.some((event) => event['reason'] === reason && objectAt(event, 'regarding')['name'] === pod);
    });
  }
}

/** `NODE [architectures] GATES` */
function stateOf(pod: JsonObject): string {
  const { nodeName, affinity, schedulingGates } = objectAt(pod, 'spec');
  const values = [
    ...JSON.stringify(affinity ?? {}).matchAll(/"kubernetes.io\/arch","operator":"In","values":\[([^\]]*)\]/gu),
  ];
  const gates = (schedulingGates ?? []) as readonly { readonly name: string }[];
  return [
    ...(typeof nodeName === 'string' ? [nodeName] : []),
    ...values.map(([, names = '']) => names.replaceAll('"', '')),
    ...gates.map(({ name }) => name),
  ].join(' ');
}

/** A bare pod with one container. */
export function podOf(name: string, image: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { ...templateSpec(image), ...spec },
  };
}

function templateSpec(image: string): JsonObject {
  return { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image }] };
}

/** A workload of a kind, its pods labelled with its name. They crash on nodes of other platforms than arm64. */
export function workload(kind: string, name: string, image: string, extra: JsonObject = {}): JsonObject {
  const labels = { app: name };
  const isJob = kind === 'Job' || kind === 'CronJob';
  const annotations = { [PLATFORMS_ANNOTATION]: 'linux/arm64' };
  const pod = {
    metadata: { labels, annotations },
    spec: { ...templateSpec(image), ...(isJob && { restartPolicy: 'Never' }) },
  };
  const job = { template: pod, ...(!isJob && { selector: { matchLabels: labels } }), ...extra };
  const spec = kind === 'CronJob' ? { schedule: '0 0 1 1 *', jobTemplate: { spec: job } } : job;
  return { apiVersion: isJob ? 'batch/v1' : 'apps/v1', kind, metadata: { name }, spec };
}
