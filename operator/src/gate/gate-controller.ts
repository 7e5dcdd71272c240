import type { Clock, Random } from '@archpolicy/async';
import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { Api, RateLimitTiming } from '@archpolicy/kube';
import { isRelevantToPods, podKey } from '@archpolicy/cluster-view';
import type { Logger } from '@archpolicy/service';
import { GateReconciler } from './gate-reconciler.ts';
import { Inspections } from './inspections.ts';
import type { GateMetrics } from './metrics.ts';
import { PodCalls } from './pod-calls.ts';
import type { Events, Inspector, PullSecrets, View } from './ports.ts';
import type { RawPods } from './raw-pods.ts';
import { isOurs, TrackedPods } from './tracked-pods.ts';

/**
 * Each waits for one call of the API server at a time. 16 keep two cores of an API server busy, 32 lifted no faster; and
 * half of the connections that the client opens are left to others.
 */
const WORKERS = 16;
/** For what throws, first of all an API server that does not answer: hundreds of pods come back within 15 s of it. */
const RETRY: RateLimitTiming = { firstMs: 200, maxMs: 15_000, perSecond: 200, burst: 400 };

export interface GateControllerOptions {
  readonly api: Pick<Api, 'request'>;
  readonly view: View;
  /** Sees every pod of the view. */
  readonly rawPods: RawPods;
  readonly inspector: Inspector;
  readonly pullSecrets: PullSecrets;
  readonly events: Events;
  readonly metrics: GateMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Lifts the gate `archpolicy.dev/inspecting`: of the pods that carry it when the controller starts first, then of those
 * that come. Runs in the leader only; the view must have synced.
 */
export class GateController {
  readonly #options: GateControllerOptions;
  readonly #tracked = new TrackedPods();
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
      onAnswer: (pods) => {
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
      calls: new PodCalls(api),
      events,
      metrics,
      clock,
      random,
      logger,
    });
    metrics.watch({ waiting: () => this.#tracked.waiting, images: () => this.#inspections.size });
  }

  /** Runs until the signal is aborted and what is under way has ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { view, metrics, logger } = this.#options;
    for (const pod of view.pods.list()) if (isOurs(pod)) this.#queue.add(podKey(pod));
    logger.info({ pods: this.#queue.length }, 'gate controller started');
    const unsubscribe = this.#subscribe();
    await runWorkers(this.#queue, WORKERS, (key, ended) => this.#reconciler.reconcile(key, ended), signal, {
      failed: (key, err) => {
        metrics.failed();
        logger.warn({ err, pod: key }, 'a gated pod could not be worked on; it is tried again');
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
        if (isOurs(event.object) || this.#tracked.has(event.key)) this.#queue.add(event.key);
      }),
      policies.subscribe((event) => {
        if (isRelevantToPods(event)) for (const key of this.#tracked.keys()) this.#queue.add(key);
      }),
      namespaces.subscribe(({ object: { name } }) => {
        for (const pod of pods.byNamespace(name)) if (isOurs(pod)) this.#queue.add(podKey(pod));
      }),
    ];
  }
}
