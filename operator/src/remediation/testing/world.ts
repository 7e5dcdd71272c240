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
import { Evictor } from '../eviction/evictor.ts';
import { Faults } from '../eviction/placement-violations.ts';
import type { FaultKind } from '../eviction/placement-violations.ts';
import { Judge } from '../evaluation/pod-evaluator.ts';
import { Reconciler } from '../reconciler.ts';
import { ReadinessHistory } from '../evaluation/readiness-history.ts';
import { Replacements } from '../eviction/replacements.ts';
import { Reporter } from '../../reporting/reporter.ts';
import { Tally } from '../../statistics/policy-pod-stats.ts';
import { Tries } from '../eviction/eviction-attempts.ts';
import { Turns } from '../queue/fair-queue.ts';

/** The testkit's fake clock. */
export interface TestClock extends Clock {
  advance(ms: number): Promise<void>;
}

/** Everything around the reconciler, in memory and turned by hand: two nodes, one policy, images by name. */
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
  /** What happens while the webhook is made sure of. */
  onConfirm: () => void = () => undefined;
  /** What the Eviction API says; by default it accepts. */
  answer: (target: EvictionTarget) => EvictionAnswer | Promise<EvictionAnswer> = () => ({ kind: 'evicted' });
  /** The pod as the API server has it, where that differs from the reflector's. */
  readonly current = new Map<string, PodFacts | 'gone'>();

  readonly evictions: EvictionTarget[] = [];
  readonly events: EventInput[] = [];
  readonly evicted: string[] = [];
  readonly landings: Landing[] = [];
  readonly relaxations: { readonly policy: string; readonly workload: string; readonly untilMs: number }[] = [];
  readonly woken: { readonly key: string; readonly delayMs: number }[] = [];

  readonly ledger: EvictionLedger;
  readonly tries = new Tries();
  readonly readiness = new ReadinessHistory();
  readonly tally = new Tally();
  readonly turns: Turns;
  readonly replacements: Replacements;
  readonly reconciler: Reconciler;
  readonly faults: FaultKind[] = [];
  readonly #faults: Faults;
  readonly #due = new Set<string>();

  constructor(clock: TestClock) {
    this.clock = clock;
    this.ledger = new EvictionLedger(clock.monotonic());
    this.namespaces.set('shop', { name: 'shop', labels: {}, annotations: {} });
    for (const architecture of ['amd64', 'arm64'])
      this.nodes.set(`${architecture}-1`, node(`${architecture}-1`, architecture));
    this.images.set('registry.test/web:v1', resolved('linux/arm64'));
    const judge = this.#judge();
    this.turns = new Turns({
      ledger: this.ledger,
      clock: this.clock,
      wake: (key, delayMs) => this.woken.push({ key, delayMs }),
    });
    this.replacements = new Replacements({ pods: this.#podView(), ledger: this.ledger, clock: this.clock });
    this.#faults = new Faults({
      nodes: this.#nodeView(),
      ledger: this.ledger,
      webhook: this.#webhookView(),
      clock: this.clock,
      onFault: (kind) => this.faults.push(kind),
    });
    this.reconciler = new Reconciler({
      judge,
      evictor: this.#evictor(judge),
      replacements: this.replacements,
      faults: this.#faults,
      reporter: new Reporter({ clock, events: { record: (event) => this.events.push(event) }, logger: silent }),
      tally: this.tally,
      tries: this.tries,
      turns: this.turns,
      nodes: this.#nodeView(),
      clock: this.clock,
      onEvicted: (name) => this.evicted.push(name),
      onRelax: (name, workload, untilMs) => this.relaxations.push({ policy: name, workload, untilMs }),
      onLanding: (landing) => this.landings.push(landing),
      onDue: (key) => this.#due.add(key),
    });
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
    this.replacements.bound(pod);
    this.#faults.bound(pod);
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

  /** What becomes of the pod of this key: it is looked at, and evicted where that is due. */
  async work(key: string, signal = new AbortController().signal): Promise<ReconcileResult> {
    const result = await this.reconciler.reconcile(key, signal);
    return this.#due.delete(key) ? this.reconciler.evict(key, signal) : result;
  }

  reasonOf(name: string): string | undefined {
    return this.tally.get(`shop/${name}`)?.reason;
  }

  #judge(): Judge {
    return new Judge({
      pods: this.#podView(),
      nodes: this.#nodeView(),
      namespaces: { get: (name) => this.namespaces.get(name) },
      policies: { list: () => this.policies },
      images: { of: (pod) => Promise.resolve(new Map(pod.images.map((image) => [image, this.#inspection(image)]))) },
      jobs: { get: (namespace, { name }) => Promise.resolve(this.jobs.get(`${namespace}/${name}`)) },
      webhook: this.#webhookView(),
      ledger: this.ledger,
      tries: this.tries,
      readiness: this.readiness,
      clock: this.clock,
    });
  }

  #evictor(judge: Judge): Evictor {
    return new Evictor({
      judge,
      reader: { read: (namespace, name) => Promise.resolve(this.#current(`${namespace}/${name}`)) },
      evict: async (target) => {
        this.evictions.push(target);
        return this.answer(target);
      },
      lease: { isHeld: () => this.isLeader },
      webhook: this.#webhookView(),
      ledger: this.ledger,
      tries: this.tries,
      clock: this.clock,
      onAnswer: () => undefined,
    });
  }

  #inspection(image: string): Inspection {
    return this.images.get(image) ?? { kind: 'unresolved', reason: 'NotFound' };
  }

  #current(key: string): PodFacts | undefined {
    const current = this.current.get(key);
    return current === 'gone' ? undefined : (current ?? this.pods.get(key));
  }

  #podView(): { byKey(key: string): PodFacts | undefined; byNamespace(name: string): readonly PodFacts[] } {
    return {
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
