import type { Clock, Random } from '@archpolicy/async';
import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { Api, RateLimitTiming, Reconcile } from '@archpolicy/kube';
import { isRelevantToPods, podKey } from '@archpolicy/cluster-view';
import type { Logger } from '@archpolicy/service';
import { GateReconciler } from './gate-reconciler.ts';
import { Inspections } from './inspections.ts';
import { timeReconcile } from '../controller-metrics.ts';
import type { ControllerMetrics } from '../controller-metrics.ts';
import type { GateMetrics } from './metrics.ts';
import { PodClient } from './pod-client.ts';
import type { Events, Inspector, PullSecrets, View } from './ports.ts';
import type { RawPodCache } from './raw-pod-cache.ts';
import { hasPendingGate, GatedPods } from './gated-pods.ts';

/**
 * Number of concurrent workers. Each worker has one API call in flight, so the workers use half of the client's
 * connections. In a measurement, 16 workers saturated two cores of an API server, and 32 workers lifted gates no
 * faster.
 */
const WORKERS = 16;
/**
 * Back-off after errors, which usually mean that the API server is unreachable. It is short, so that hundreds of pods
 * are retried within 15 s after the API server responds again.
 */
const RETRY: RateLimitTiming = { firstMs: 200, maxMs: 15_000, perSecond: 200, burst: 400 };

export interface GateControllerOptions {
  readonly api: Pick<Api, 'request'>;
  readonly view: View;
  /** Receives every pod of the view. */
  readonly rawPods: RawPodCache;
  readonly inspector: Inspector;
  readonly pullSecrets: PullSecrets;
  readonly events: Events;
  readonly metrics: GateMetrics;
  readonly controllerMetrics: ControllerMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Lifts the gate `archpolicy.dev/inspecting` of the pods that exist at the start, and then of new pods. Runs only in
 * the leader. The view in the options must have synced before `run` is called.
 */
export class GateController {
  readonly #options: GateControllerOptions;
  readonly #tracked = new GatedPods();
  readonly #queue: WorkQueue<string>;
  readonly #inspections: Inspections;
  readonly #reconciler: GateReconciler;

  constructor(options: GateControllerOptions) {
    const { api, view, rawPods, inspector, pullSecrets, events, metrics, clock, random, logger } = options;
    this.#options = options;
    this.#queue = new WorkQueue({ clock, rateLimit: RETRY });
    this.#inspections = new Inspections({
      inspector,
      pullSecrets,
      clock,
      random,
      logger,
      onResult: (pods) => {
        for (const key of pods) this.#queue.add(key);
      },
      onInspected: (inspection) => {
        metrics.inspected(inspection);
      },
    });
    this.#reconciler = new GateReconciler({
      view,
      tracked: this.#tracked,
      rawPods,
      inspections: this.#inspections,
      calls: new PodClient(api),
      events,
      metrics,
      clock,
      random,
      logger,
    });
    options.controllerMetrics.watchQueue('gate', this.#queue);
    metrics.watchImages(() => this.#inspections.size);
  }

  /** The number of observed pods whose gate is not lifted yet. */
  get waiting(): number {
    return this.#tracked.waiting;
  }

  /** Runs until the signal is aborted and pending work has ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { rawPods, view, metrics, clock, logger } = this.#options;
    rawPods.startLifting();
    for (const pod of view.pods.list()) if (hasPendingGate(pod)) this.#queue.add(podKey(pod));
    logger.info({ pods: this.#queue.length }, 'gate controller started');
    const unsubscribe = this.#subscribe();
    const timing = { metrics: this.#options.controllerMetrics, clock };
    const reconcile: Reconcile<string> = (key, ended) =>
      timeReconcile('gate', timing, () => this.#reconciler.reconcile(key, ended));
    await runWorkers(this.#queue, WORKERS, reconcile, signal, {
      failed: (key, err) => {
        metrics.failed();
        logger.warn({ err, pod: key }, 'failed to reconcile gated pod, retrying');
      },
    });
    for (const end of unsubscribe) end();
    this.#queue.stop();
    this.#inspections.stop();
  }

  #subscribe(): readonly (() => void)[] {
    const { pods, policies, namespaces } = this.#options.view;
    return [
      pods.subscribe((event) => {
        if (hasPendingGate(event.object) || this.#tracked.has(event.key)) this.#queue.add(event.key);
      }),
      policies.subscribe((event) => {
        if (isRelevantToPods(event)) for (const key of this.#tracked.keys()) this.#queue.add(key);
      }),
      namespaces.subscribe(({ object: { name } }) => {
        for (const pod of pods.byNamespace(name)) if (hasPendingGate(pod)) this.#queue.add(podKey(pod));
      }),
    ];
  }
}
