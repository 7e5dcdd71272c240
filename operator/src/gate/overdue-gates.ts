import { KeyedConcurrencyLimit, PeriodicYield } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { gateOnly, overdueAfterMs, selectPolicy } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { Api } from '@archpolicy/kube';
import { podKey } from '@archpolicy/cluster-view';
import type { Logger } from '@archpolicy/service';
import { hasPendingGate } from './gated-pods.ts';
import type { GateMetrics } from './metrics.ts';
import { PodClient } from './pod-client.ts';
import type { View } from './ports.ts';

const PERIOD_MS = 20_000;
/**
 * Minimum time for which this process has observed a gate before it lifts it. If the clock of this process is ahead, it
 * must not lift gates that the leader is about to lift with the result of the inspection.
 */
const MIN_OBSERVED_MS = 60_000;
/**
 * After this time the other pods of a namespace wait for the next check. Admission webhooks of one namespace can make each of
 * its patches slow, and must not delay the pods of other namespaces.
 */
const NAMESPACE_TIME_MS = 10_000;
const CONCURRENT_NAMESPACES = 8;
/** Number of pods that are checked between two yields to the event loop. A gated pod takes some microseconds. */
const PODS_PER_YIELD = 500;

interface Parts {
  readonly api: Pick<Api, 'request'>;
  /** May be incomplete or outdated: policies and namespaces only determine when a gate is overdue. */
  readonly view: {
    readonly pods: Pick<View['pods'], 'entries'>;
    readonly policies: Pick<View['policies'], 'list'>;
    readonly namespaces: Pick<View['namespaces'], 'get'>;
  };
  readonly metrics: Pick<GateMetrics, 'overdue'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
}

/** The first observation of a gate. */
interface Observed {
  readonly uid: string;
  readonly atMs: number;
  /** When lifting the gate last failed. */
  failedAtMs: number;
}

/**
 * PL12: lifts gates that the leader should have lifted long ago. Runs in every replica, with or without the Lease and
 * with incomplete views, so that no fault of leader election, LISTs or inspections keeps a pod gated. Lifts only the
 * gate: the pod is then unconstrained, and remediation evaluates it like any other pod.
 */
export class OverdueGates {
  readonly #parts: Parts;
  readonly #client: PodClient;
  readonly #namespaces = new KeyedConcurrencyLimit({
    priorities: ['lift'],
    maxRunning: CONCURRENT_NAMESPACES,
    maxRunningPerKey: 1,
    maxWaiting: Number.POSITIVE_INFINITY,
    maxWaitingPerKey: 1,
  });
  #observed: ReadonlyMap<string, Observed> = new Map();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#client = new PodClient(parts.api);
  }

  /** Runs until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const overdue = Map.groupBy(await this.#findOverdue(signal), ({ namespace }) => namespace);
      await Promise.all(
        [...overdue].map(async ([key, pods]) => {
          await this.#namespaces.run({ priority: 'lift', key, item: key }, () => this.#liftIn(pods, signal));
        }),
      );
      await this.#parts.clock.sleep(PERIOD_MS, signal).catch(() => undefined);
    }
  }

  async #findOverdue(signal: AbortSignal): Promise<readonly PodFacts[]> {
    const nowMs = this.#parts.clock.monotonic();
    const observed = new Map<string, Observed>();
    const overdue: { readonly pod: PodFacts; readonly failedAtMs: number }[] = [];
    const yields = new PeriodicYield(PODS_PER_YIELD);
    for (const [key, pod] of this.#parts.view.pods.entries()) {
      const due = yields.count();
      if (due !== undefined) await due;
      if (signal.aborted) return [];
      if (!hasPendingGate(pod)) continue;
      const before = this.#observed.get(key);
      const gate = before?.uid === pod.uid ? before : { uid: pod.uid, atMs: nowMs, failedAtMs: 0 };
      observed.set(key, gate);
      if (this.#isOverdue(pod, nowMs - gate.atMs)) overdue.push({ pod, failedAtMs: gate.failedAtMs });
    }
    this.#observed = observed;
    // Pods that failed come last, so that none of them keeps the others gated.
    return overdue.sort((a, b) => a.failedAtMs - b.failedAtMs).map(({ pod }) => pod);
  }

  /** Lifts the gates of pods of one namespace, until the time for it is over. */
  async #liftIn(pods: readonly PodFacts[], signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const untilMs = clock.monotonic() + NAMESPACE_TIME_MS;
    for (const pod of pods) {
      if (signal.aborted || clock.monotonic() >= untilMs) return;
      const observed = this.#observed.get(podKey(pod));
      if (!(await this.#lift(pod, signal)) && observed !== undefined) observed.failedAtMs = clock.monotonic();
    }
  }

  /** @param observedMs how long this process has observed the gate */
  #isOverdue(pod: PodFacts, observedMs: number): boolean {
    const { view, clock } = this.#parts;
    if (observedMs < MIN_OBSERVED_MS) return false;
    // Uses the larger of two durations: a wrong clock must not keep a pod gated, and neither must a restart of this
    // process.
    const waitedMs = Math.max(observedMs, clock.now() - pod.createdAtMs);
    const namespace = view.namespaces.get(pod.namespace);
    const policy = namespace && selectPolicy(view.policies.list(), namespace, pod.labels);
    return waitedMs >= overdueAfterMs(policy);
  }

  /** Returns whether nothing is left to do for the pod. */
  async #lift(facts: PodFacts, signal: AbortSignal): Promise<boolean> {
    const { metrics, logger } = this.#parts;
    try {
      const pod = await this.#client.read(facts, signal);
      const patch = pod && gateOnly(pod)?.patches[0];
      if (patch === undefined) return true;
      const answer = await this.#client.patch(facts, patch.operations, { signal });
      const fields = { pod: podKey(facts), uid: facts.uid, status: answer.status };
      if (answer.kind === 'refused') {
        logger.warn(fields, 'failed to lift an overdue gate, retrying');
        return false;
      }
      metrics.overdue();
      logger.warn(fields, 'lifted an overdue gate, the pod is unconstrained');
      return true;
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, pod: podKey(facts) }, 'failed to lift an overdue gate, retrying');
      return false;
    }
  }
}
