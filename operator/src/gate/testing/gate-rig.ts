import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { createClusterViewWithPods } from '@archpolicy/cluster-view';
import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import { ApiClient, fixedCredentials } from '@archpolicy/kube';
import type { EventInput } from '@archpolicy/kube';
import { createRegistry } from '@archpolicy/service';
import { GateController } from '../gate-controller.ts';
import type { GateControllerOptions } from '../gate-controller.ts';
import { createGateMetrics } from '../metrics.ts';
import { RawPods } from '../raw-pods.ts';
import type { GateMetrics } from '../metrics.ts';
import { GatedPodsServer } from './gated-pods-server.ts';
import type { ApiServerDouble } from './gated-pods-server.ts';
import type { Clock } from '../ports.ts';
import { ScriptedInspector } from './scripted-inspector.ts';

const POLICIES_PATH = '/apis/archpolicy.dev/v1alpha1/archpolicies';
const NAMESPACES_PATH = '/api/v1/namespaces';
const NODES_PATH = '/api/v1/nodes';
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A clock that the test turns. */
export interface TurnableClock extends Clock {
  readonly sleeping: readonly number[];
  somebodySleeps(isIt: (ms: number) => boolean): Promise<void>;
  advance(ms: number): Promise<void>;
  jump(ms: number): void;
}

/** A gate controller between a fake API server and a scripted inspector, on a clock that the test turns. */
export class GateRig {
  readonly api: GatedPodsServer;
  readonly clock: TurnableClock;
  readonly inspector = new ScriptedInspector();
  readonly events: EventInput[] = [];
  readonly metrics = createRegistry();
  /** Pods that wait, as the controller counts them. */
  waiting: () => number = () => 0;
  readonly #stop = new AbortController();
  #client: ApiClient | undefined;
  #running: Promise<unknown> | undefined;

  constructor(server: ApiServerDouble, clock: TurnableClock) {
    this.api = new GatedPodsServer(server);
    this.clock = clock;
  }

  /** The server, with a policy, a namespace and two nodes; nothing of ours runs yet. */
  async open(policy: JsonObject = {}): Promise<this> {
    await this.api.server.start();
    this.setNamespace({});
    this.setPolicy(policy);
    for (const arch of ['amd64', 'arm64']) this.api.server.collection(NODES_PATH).put(nodeOf(arch));
    return this;
  }

  /** The operator's view and the controller. */
  async start(options: Partial<GateControllerOptions> = {}): Promise<void> {
    const { clock, inspector, events } = this;
    const api = new ApiClient({
      credentials: fixedCredentials({ server: this.api.server.url }),
      clock,
      userAgent: 'test/0',
    });
    this.#client = api;
    const random = (): number => 0;
    const rawPods = new RawPods();
    const view: ClusterViewWithPods = createClusterViewWithPods({
      api,
      clock,
      random,
      logger: QUIET,
      seePod: (raw) => {
        rawPods.see(raw);
      },
    });
    const watching = view.run(this.#stop.signal);
    await view.synced(this.#stop.signal);
    const controller = new GateController({
      api,
      view,
      rawPods,
      inspector,
      pullSecrets: { read: () => Promise.resolve([]) },
      events: { record: (event) => events.push(event) },
      metrics: this.#observed(),
      clock,
      random,
      logger: QUIET,
      ...options,
    });
    this.#running = Promise.all([watching, controller.run(this.#stop.signal)]);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#client?.close();
    await this.api.server.stop();
  }

  #observed(): GateMetrics {
    const metrics = createGateMetrics(this.metrics);
    return {
      ...metrics,
      watch: (gauges) => {
        this.waiting = gauges.waiting;
        metrics.watch(gauges);
      },
    };
  }

  /** A pod behind our gate. */
  addPod(name: string, images: readonly string[], spec: JsonObject = {}, metadata: JsonObject = {}): void {
    const containers: Json = images.map((image, index) => ({ name: `c${index}`, image }));
    this.api.put({
      metadata: { name, namespace: 'shop', ...metadata },
      spec: { containers, schedulingGates: [{ name: 'archpolicy.dev/inspecting' }], ...spec },
      status: { phase: 'Pending' },
    });
  }

  setPolicy(spec: JsonObject | undefined, generation = 1): void {
    const policies = this.api.server.collection(POLICIES_PATH);
    if (spec === undefined) policies.remove('default');
    else policies.put({ metadata: { name: 'default', generation }, spec });
  }

  setNamespace(labels: Readonly<Record<string, string>>): void {
    this.api.server.collection(NAMESPACES_PATH).put({ metadata: { name: 'shop', labels } });
  }

  /** What a pod requires and which gates it carries, in words. */
  state(name: string): string {
    const pod = this.api.pod(`shop/${name}`);
    if (pod === undefined) return 'gone';
    const spec = objectAt(pod, 'spec');
    const nodeAffinity = objectAt(objectAt(spec, 'affinity'), 'nodeAffinity');
    const terms = arrayAt(
      objectAt(nodeAffinity, 'requiredDuringSchedulingIgnoredDuringExecution'),
      'nodeSelectorTerms',
    );
    const gates = arrayAt(spec, 'schedulingGates').map((gate) => field(gate, 'name'));
    return [...gates, ...terms.map(termText)].join(' ');
  }

  /** What was told of a pod: type and reason. */
  told(name: string): readonly string[] {
    return this.events
      .filter(({ regarding }) => regarding.name === name)
      .map(({ type, reason }) => `${type} ${reason}`);
  }

  /** Resolves as soon as the condition holds; the clock stands still meanwhile. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise(setImmediate);
  }

  /** Until the pod has this state. */
  async becomes(name: string, state: string): Promise<void> {
    await this.until(() => this.state(name) === state);
  }

  /** Until the pod has this state and the controller is through with all pods. */
  async ends(name: string, state: string): Promise<void> {
    await this.until(() => this.state(name) === state && this.waiting() === 0);
  }

  /** Turns the clock to the next sleeper of this length, and wakes it. */
  async pass(ms: number): Promise<void> {
    await this.clock.somebodySleeps((left) => left === ms);
    await this.clock.advance(ms);
  }
}

function termText(term: Json): string {
  return isJsonObject(term)
    ? arrayAt(term, 'matchExpressions')
        .map((one) => (isJsonObject(one) ? arrayAt(one, 'values').map(String).join('+') : '?'))
        .join('&')
    : '?';
}

function field(value: Json, key: string): string {
  return isJsonObject(value) ? (textAt(value, key) ?? '') : '';
}

function nodeOf(arch: string): JsonObject {
  return {
    metadata: { name: `${arch}-1`, labels: { 'kubernetes.io/arch': arch, 'kubernetes.io/os': 'linux' } },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: { architecture: arch, operatingSystem: 'linux' },
    },
  };
}

function nothing(): void {
  // Tests look at events and metrics.
}
