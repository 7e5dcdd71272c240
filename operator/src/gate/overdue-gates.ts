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

interface Parts {
  readonly api: Pick<Api, 'request'>;
  /** May be incomplete or outdated: policies and namespaces only determine when a gate is overdue. */
  readonly view: {
    readonly pods: Pick<View['pods'], 'list'>;
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
}

/**
 * PL12: lifts gates that the leader should have lifted long ago. Runs in every replica, with or without the Lease and
 * with incomplete views, so that no fault of leader election, LISTs or inspections keeps a pod gated. Lifts only the
 * gate: the pod is then unconstrained, and remediation evaluates it like any other pod.
 */
export class OverdueGates {
  readonly #parts: Parts;
  readonly #client: PodClient;
  #observed: ReadonlyMap<string, Observed> = new Map();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#client = new PodClient(parts.api);
  }

  /** Runs until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // After an abort, each call ends at once.
      for (const pod of this.#findOverdue()) await this.#lift(pod, signal);
      await this.#parts.clock.sleep(PERIOD_MS, signal).catch(() => undefined);
    }
  }

  #findOverdue(): readonly PodFacts[] {
    const nowMs = this.#parts.clock.monotonic();
    const gated = this.#parts.view.pods.list().filter(hasPendingGate);
    const before = this.#observed;
    this.#observed = new Map(
      gated.map((pod) => {
        const known = before.get(podKey(pod));
        return [podKey(pod), known?.uid === pod.uid ? known : { uid: pod.uid, atMs: nowMs }];
      }),
    );
    return gated.filter((pod) => this.#isOverdue(pod, nowMs - (this.#observed.get(podKey(pod))?.atMs ?? nowMs)));
  }

  /** @param observedMs how long this process has observed the gate */
  #isOverdue(pod: PodFacts, observedMs: number): boolean {
    const { view, clock } = this.#parts;
    // Uses the larger of two durations: a wrong clock must not keep a pod gated, and neither must a restart of this
    // process.
    const waitedMs = Math.max(observedMs, clock.now() - pod.createdAtMs);
    const namespace = view.namespaces.get(pod.namespace);
    const policy = namespace && selectPolicy(view.policies.list(), namespace, pod.labels);
    return observedMs >= MIN_OBSERVED_MS && waitedMs >= overdueAfterMs(policy);
  }

  async #lift(facts: PodFacts, signal: AbortSignal): Promise<void> {
    const { metrics, logger } = this.#parts;
    try {
      const pod = await this.#client.read(facts, signal);
      const patch = pod && gateOnly(pod)?.patches[0];
      if (patch === undefined) return;
      const answer = await this.#client.patch(facts, patch.operations, { signal });
      const fields = { pod: podKey(facts), uid: facts.uid, status: answer.status };
      if (answer.kind === 'refused') {
        logger.warn(fields, 'failed to lift an overdue gate, retrying');
        return;
      }
      metrics.overdue();
      logger.warn(fields, 'lifted an overdue gate, the pod is unconstrained');
    } catch (err) {
      if (!signal.aborted) logger.warn({ err, pod: podKey(facts) }, 'failed to lift an overdue gate, retrying');
    }
  }
}
