import { EvictionLedger } from '@archpolicy/core';
import type {
  ArchPolicy,
  Inspection,
  JobFacts,
  Landing,
  NamespaceFacts,
  NodeFacts,
  PodFacts,
  WebhookCall,
} from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { EventInput, EvictionAnswer, EvictionTarget, ReconcileResult } from '@archpolicy/kube';
import type { Clock } from '@archpolicy/service';
import { cameUp, crashLoopingPod, node, policy, resolved, silent } from '../../testing/objects.ts';
import type { ViolationKind } from '../../reporting/brake-metrics.ts';
import { PolicyPodStats } from '../../statistics/policy-pod-stats.ts';
import { buildRemediation } from '../build-remediation.ts';
import type { BuiltRemediation, RemediationParts } from '../build-remediation.ts';
import { ReadinessHistory } from '../evaluation/readiness-history.ts';
import type { EvictionAttempts } from '../eviction/eviction-attempts.ts';
import type { Replacements } from '../eviction/replacements.ts';
import type { FairQueue, WakeUp } from '../queue/fair-queue.ts';
import type { Remediation } from '../remediation.ts';
import { ResyncProgress } from '../resync/progress.ts';
import { ManualPipeline } from './manual-pipeline.ts';

/** The testkit's fake clock. */
export interface TestClock extends Clock {
  advance(ms: number): Promise<void>;
}

/**
 * Remediation as the operator builds it, with ports in memory and a pipeline that tests run by hand: two nodes, one policy,
 * images by name.
 */
export class World {
  readonly clock: TestClock;
  readonly pods = new Map<string, PodFacts>();
  readonly nodes = new Map<string, NodeFacts>();
  readonly namespaces = new Map<string, NamespaceFacts>();
  readonly images = new Map<string, Inspection>();
  readonly jobs = new Map<string, JobFacts>();
  policies: ArchPolicy[] = [policy({})];
  webhook: { reachable: boolean; answers: boolean; call: WebhookCall } = {
    reachable: true,
    answers: true,
    call: 'called',
  };
  isLeader = true;
  /** Runs while the webhook is probed. */
  onConfirm: () => void = () => undefined;
  /** The answer of the Eviction API; by default it accepts. */
  answer: (target: EvictionTarget) => EvictionAnswer | Promise<EvictionAnswer> = () => ({ kind: 'evicted' });
  /** The pod as the API server has it, where that differs from the reflector's. */
  readonly current = new Map<string, PodFacts | 'gone'>();

  readonly evictions: EvictionTarget[] = [];
  readonly events: EventInput[] = [];
  readonly evicted: string[] = [];
  readonly landings: Landing[] = [];
  readonly relaxations: { readonly policy: string; readonly workload: string; readonly untilMs: number }[] = [];
  readonly faults: ViolationKind[] = [];

  readonly ledger: EvictionLedger;
  readonly readiness = new ReadinessHistory();
  readonly stats = new PolicyPodStats();
  readonly progress = new ResyncProgress();
  /** Keys of pods whose images cannot be gathered. */
  readonly failing = new Set<string>();
  readonly #pipeline = new ManualPipeline();
  readonly #built: BuiltRemediation;

  constructor(clock: TestClock) {
    this.clock = clock;
    this.ledger = new EvictionLedger(clock.monotonic());
    this.namespaces.set('shop', { name: 'shop', labels: {}, annotations: {} });
    for (const architecture of ['amd64', 'arm64'])
      this.nodes.set(`${architecture}-1`, node(`${architecture}-1`, architecture));
    this.images.set('registry.test/web:v1', resolved('linux/arm64'));
    this.#built = buildRemediation(this.#parts());
    void this.remediation.run(new AbortController().signal);
  }

  get remediation(): Remediation {
    return this.#built.remediation;
  }

  get attempts(): EvictionAttempts {
    return this.#built.attempts;
  }

  get fairQueue(): FairQueue {
    return this.#built.fairQueue;
  }

  get replacements(): Replacements {
    return this.#built.replacements;
  }

  /** What remediation has enqueued for evaluation, in order. */
  get woken(): readonly WakeUp[] {
    return this.#pipeline.enqueued;
  }

  /** Adds a crash-looping pod of Deployment `web` to node `amd64-1`, bound a minute ago. */
  add(name: string, changes: Partial<PodFacts> = {}): PodFacts {
    const pod = this.pod(name, changes);
    const key = podKey(pod);
    const previous = this.pods.get(key);
    this.pods.set(key, pod);
    if (previous?.uid === pod.uid) this.readiness.onPodChanged({ type: 'updated', key, object: pod, previous });
    return pod;
  }

  pod(name: string, changes: Partial<PodFacts> = {}): PodFacts {
    return crashLoopingPod(name, changes, this.clock.now());
  }

  /** The pod comes to be bound to a node, as a replacement would: it has come up on `arm64-1`, and crashes elsewhere. */
  replace(name: string, nodeName: string): Promise<ReconcileResult> {
    this.add(name, { nodeName, scheduled: { value: true, sinceMs: this.clock.now() }, ...this.#statusOn(nodeName) });
    return this.reconcile(name);
  }

  /** The scheduler binds it: the watch has shown it without a node before. */
  bind(name: string, nodeName: string, changes: Partial<PodFacts> = {}): Promise<ReconcileResult> {
    const scheduled = { value: true, sinceMs: this.clock.now() };
    const pod = this.add(name, { nodeName, scheduled, ...this.#statusOn(nodeName), ...changes });
    this.remediation.onPodBound(pod);
    return this.work(podKey(pod));
  }

  #statusOn(nodeName: string): Partial<PodFacts> {
    return nodeName === 'arm64-1' ? cameUp(this.clock.now()) : {};
  }

  remove(name: string): Promise<ReconcileResult> {
    const key = `shop/${name}`;
    const previous = this.pods.get(key);
    this.pods.delete(key);
    if (previous !== undefined) this.readiness.onPodChanged({ type: 'deleted', key, object: previous, previous });
    return this.reconcile(name);
  }

  reconcile(name: string, signal = new AbortController().signal): Promise<ReconcileResult> {
    return this.work(`shop/${name}`, signal);
  }

  /** Evaluates the pod of this key, and evicts it if it is queued for that. Returns when it is evaluated again. */
  work(key: string, signal = new AbortController().signal): Promise<ReconcileResult> {
    return this.#pipeline.work(key, signal);
  }

  /** Starts the eviction of a pod that is queued for it. */
  evict(key: string, signal = new AbortController().signal): Promise<ReconcileResult> {
    return this.#pipeline.evict(key, signal);
  }

  reasonOf(name: string): string | undefined {
    return this.stats.get(`shop/${name}`)?.reason;
  }

  #parts(): RemediationParts {
    const { clock, ledger, readiness, stats, progress } = this;
    return {
      ...{ clock, ledger, readiness, stats, progress, logger: silent, pipeline: this.#pipeline },
      views: {
        pods: this.#podView(),
        nodes: this.#nodeView(),
        namespaces: { get: (name) => this.namespaces.get(name) },
        policies: { list: () => this.policies },
      },
      images: { of: (pod) => this.#inspections(pod) },
      jobs: { get: (namespace, { name }) => Promise.resolve(this.jobs.get(`${namespace}/${name}`)) },
      webhook: this.#webhookView(),
      reader: { read: (namespace, name) => Promise.resolve(this.#current(`${namespace}/${name}`)) },
      evict: async (target) => {
        this.evictions.push(target);
        return this.answer(target);
      },
      lease: { isHeld: () => this.isLeader },
      statuses: {
        evicted: (name) => this.evicted.push(name),
        relax: (name, workload, untilMs) => this.relaxations.push({ policy: name, workload, untilMs }),
      },
      events: { record: (event) => this.events.push(event) },
      metrics: this.#metrics(),
    };
  }

  #metrics(): RemediationParts['metrics'] {
    const ignore = (): void => undefined;
    return {
      ...{ answer: ignore, misplaced: ignore, notEvicted: ignore, brake: ignore, reconciled: ignore },
      landing: (landing) => this.landings.push(landing),
      fault: (kind) => this.faults.push(kind),
    };
  }

  async #inspections(pod: PodFacts): Promise<ReadonlyMap<string, Inspection>> {
    await Promise.resolve();
    if (this.failing.has(podKey(pod))) throw new Error('no answer');
    return new Map(pod.images.map((image) => [image, this.#inspection(image)]));
  }

  #inspection(image: string): Inspection {
    return this.images.get(image) ?? { kind: 'unresolved', reason: 'NotFound' };
  }

  #current(key: string): PodFacts | undefined {
    const current = this.current.get(key);
    return current === 'gone' ? undefined : (current ?? this.pods.get(key));
  }

  #podView(): RemediationParts['views']['pods'] {
    return {
      entries: () => this.pods.entries(),
      byKey: (key) => this.pods.get(key),
      byNamespace: (name) => [...this.pods.values()].filter(({ namespace }) => namespace === name),
    };
  }

  #nodeView(): { get(name: string): NodeFacts | undefined; list(): readonly NodeFacts[] } {
    return { get: (name) => this.nodes.get(name), list: () => [...this.nodes.values()] };
  }

  #webhookView(): {
    isReachable(): boolean;
    confirm(): Promise<boolean>;
    confirmNow(): Promise<boolean>;
    callFor(): WebhookCall;
  } {
    return {
      isReachable: () => this.webhook.reachable,
      confirm: () => {
        this.onConfirm();
        if (!this.webhook.answers) this.webhook.reachable = false;
        return Promise.resolve(this.webhook.answers);
      },
      confirmNow: () => Promise.resolve(this.webhook.answers),
      callFor: () => this.webhook.call,
    };
  }
}
