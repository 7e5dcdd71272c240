import type { JsonObject } from '@archpolicy/core';
import { isJsonObject, objectAt } from '@archpolicy/core';
import { PLATFORMS_ANNOTATION, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { ApiClient, KubeConfigCredentials } from '@archpolicy/kube';
import { FakeRegistry, multiPlatformImage } from '@archpolicy/testkit';
import type { Fault } from '@archpolicy/testkit';
import { setTimeout as sleep } from 'node:timers/promises';

export const GATE = 'archpolicy.dev/inspecting';
/** Timeout of a wait. It is long, because the machine may be busy. */
const TIMEOUT_MS = 60_000;
const signal = new AbortController().signal;
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms: number, waitFor?: AbortSignal) => {
    await sleep(ms, undefined, { signal: waitFor });
  },
};

/** A cluster with webhook and operator, and a registry whose repositories can be delayed or fail. */
export class GateSuite {
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

  static async open(): Promise<GateSuite> {
    const [cluster, registry] = await Promise.all([startCluster(), new FakeRegistry().start()]);
    const suite = new GateSuite(cluster, registry);
    // Delete the default policy, because it matches every namespace. Each case has its own policy.
    await suite.kubectl(['delete', 'archpolicy', 'default']);
    await suite.waitUntilGating();
    return suite;
  }

  async close(): Promise<void> {
    await this.#api.close();
    await this.cluster.stop();
    await Promise.all([this.registry, ...this.#silent].map((registry) => registry.stop()));
  }

  /**
   * Returns an image in a registry that never responds. Each image has a new registry, because the circuit breakers
   * stop requests to a registry that does not respond.
   */
  async silentImage(): Promise<string> {
    const registry = await new FakeRegistry().start();
    this.#silent.push(registry);
    registry.fault = () => ({ kind: 'hang' });
    return `${registry.host}/silent:v1`;
  }

  /**
   * Waits until the webhook gates pods. The webhook does this once it has observed that the operator renews its Lease.
   */
  async waitUntilGating(): Promise<void> {
    const url = this.cluster.get('WEBHOOK_METRICS');
    const read = async (): Promise<boolean> =>
      /^archpolicy_admission_can_gate 1$/mu.test(await (await fetch(url)).text());
    await waitFor(read, { timeoutMs: TIMEOUT_MS, what: 'the webhook to gate' });
  }

  /** Returns the output of kubectl. @throws with its stderr if it fails */
  kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return this.cluster.kubectlOutput(args, stdin);
  }

  apply(...items: readonly JsonObject[]): Promise<string> {
    return this.kubectl(
      ['apply', '--server-side', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    );
  }

  /** Returns an object of the API, undefined if it does not exist. */
  async get(path: string): Promise<JsonObject | undefined> {
    const answer = await this.#api.request({ method: 'GET', path, signal });
    return answer.kind === 'ok' && isJsonObject(answer.body) ? answer.body : undefined;
  }

  until<T>(what: string, condition: () => Promise<T> | T): ReturnType<typeof waitFor<T>> {
    return waitFor(condition, { timeoutMs: TIMEOUT_MS, what });
  }

  push(repository: string, platforms: readonly string[]): string {
    this.registry.push(repository, 'v1', multiPlatformImage(platforms, repository));
    return `${this.registry.host}/${repository}:v1`;
  }

  /** Sets the fault with which the registry responds to requests for a repository. */
  setFault(repository: string, fault: Fault): void {
    this.#faults.set(repository, fault);
  }

  /** Delays responses of the repository until the returned function is called. */
  delayResponses(repository: string): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.setFault(repository, { kind: 'late', until: promise });
    return () => {
      this.#faults.delete(repository);
      resolve(undefined);
    };
  }

  /** Creates a case with its own namespace and policy, so that cases can run concurrently. */
  async createCase(name: string, spec: JsonObject = {}): Promise<GateCase> {
    const labels = { case: name };
    const policy = { priority: 10, namespaceSelector: { matchLabels: labels }, ...spec };
    await this.apply(
      { apiVersion: 'archpolicy.dev/v1alpha1', kind: 'ArchPolicy', metadata: { name }, spec: policy },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    );
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await this.until('the default account of the namespace', async () => (await this.get(account)) !== undefined);
    return new GateCase(this, name);
  }
}

/** One case with its own namespace and policy. */
export class GateCase {
  readonly suite: GateSuite;
  readonly name: string;

  constructor(suite: GateSuite, name: string) {
    this.suite = suite;
    this.name = name;
  }

  kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return this.suite.kubectl(['-n', this.name, ...args], stdin);
  }

  /** Pushes an image. */
  image(name: string, ...platforms: readonly string[]): string {
    return this.suite.push(`${this.name}/${name}`, platforms);
  }

  /** Pushes an image whose repository responds only after `release`. */
  slowImage(name: string, ...platforms: readonly string[]): { readonly image: string; readonly release: () => void } {
    return { image: this.image(name, ...platforms), release: this.suite.delayResponses(`${this.name}/${name}`) };
  }

  /** Creates pods without kubectl apply, because PL1 treats applied bare pods differently. */
  create(...pods: readonly JsonObject[]): Promise<string> {
    return this.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }));
  }

  /** Returns the node, the required architectures and the gates of a pod as one text. */
  async state(pod: string): Promise<string> {
    const object = await this.suite.get(`/api/v1/namespaces/${this.name}/pods/${pod}`);
    return object === undefined ? 'absent' : formatState(object);
  }

  /** Returns the states of the pods with this label. */
  async states(app: string): Promise<readonly string[]> {
    const list = await this.suite.get(`/api/v1/namespaces/${this.name}/pods?labelSelector=app%3D${app}`);
    const items = Array.isArray(list?.['items']) ? (list['items'] as readonly JsonObject[]) : [];
    return items.map(formatState);
  }

  async waitForState(pod: string, state: RegExp): Promise<void> {
    await this.suite.until(`pod ${pod} to become ${String(state)}`, async () => {
      const now = await this.state(pod);
      if (!state.test(now)) throw new Error(`it is "${now}"`);
      return true;
    });
  }

  async waitForStates(app: string, count: number, state: RegExp): Promise<void> {
    await this.suite.until(`${count} pods of ${app} to become ${String(state)}`, async () => {
      const now = await this.states(app);
      if (now.length !== count || !now.every((one) => state.test(one))) throw new Error(`they are ${now.join('; ')}`);
      return true;
    });
  }

  /** Waits for an event with this reason on the pod. */
  async waitForEvent(pod: string, reason: string): Promise<void> {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.name}/events`;
    await this.suite.until(`an event ${reason} of ${pod}`, async () => {
      const items = ((await this.suite.get(path))?.['items'] ?? []) as readonly JsonObject[];
      return items.some((event) => event['reason'] === reason && objectAt(event, 'regarding')['name'] === pod);
    });
  }
}

/** Formats the state of a pod: `NODE ARCHITECTURES GATES`. */
function formatState(pod: JsonObject): string {
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

/** Returns a bare pod with one container. */
export function podManifest(name: string, image: string, spec: JsonObject = {}): JsonObject {
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

/**
 * Returns a workload whose pods have its name as label `app`, and crash on nodes of other architectures than arm64.
 * @param podSpec further fields of its pods
 */
export function workload(
  kind: string,
  name: string,
  image: string,
  extra: JsonObject = {},
  podSpec: JsonObject = {},
): JsonObject {
  const labels = { app: name };
  const isJob = kind === 'Job' || kind === 'CronJob';
  const annotations = { [PLATFORMS_ANNOTATION]: 'linux/arm64' };
  const pod = {
    metadata: { labels, annotations },
    spec: { ...templateSpec(image), ...(isJob && { restartPolicy: 'Never' }), ...podSpec },
  };
  const job = { template: pod, ...(!isJob && { selector: { matchLabels: labels } }), ...extra };
  const spec = kind === 'CronJob' ? { schedule: '0 0 1 1 *', jobTemplate: { spec: job } } : job;
  return { apiVersion: isJob ? 'batch/v1' : 'apps/v1', kind, metadata: { name }, spec };
}
