import { waitAtMost } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { runWorkers, WorkQueue } from '@archpolicy/kube';
import type { RateLimitTiming, ReconcileResult } from '@archpolicy/kube';

/**
 * Number of concurrent evaluations. Most evaluations do not wait. An evaluation of a pod with new images waits for
 * registries.
 */
const EVALUATION_WORKERS = 16;
/**
 * Number of concurrent evictions. Most of them wait for the record of evictions, which is written once a second. The
 * evictor limits how many call the API server.
 */
const EVICTION_WORKERS = 64;
/**
 * Back-off of an eviction that throws, usually because the API server does not respond. The retry calls the eviction
 * stage again, without an evaluation stage before it.
 */
const RETRY: RateLimitTiming = { firstMs: 200, maxMs: 15_000, perSecond: 10, burst: 100 };
/**
 * Evictions start after this time, or earlier if all pods have been evaluated once. They do not start at once, because
 * the API server is busy with the initial lists, and because the most likely misplaced pods are not known before most
 * pods have been evaluated.
 */
const START_AFTER_MS = 500;

/** The next step for a pod after a stage. */
export type NextStep =
  /** Nothing happens until the pod is enqueued again. */
  | { readonly kind: 'done' }
  | { readonly kind: 'evaluate'; readonly afterMs: number }
  /** The pod is queued for eviction. Only an evaluation returns this. */
  | { readonly kind: 'evict' };

/** The next step after an eviction. It is never a second eviction, because a retry begins with another evaluation. */
export type Done = Exclude<NextStep, { kind: 'evict' }>;

/** The work on a pod in each stage. If a handler throws, it is called again after a back-off. */
export interface StageHandlers {
  evaluate(key: string, signal: AbortSignal): Promise<NextStep>;
  evict(key: string, signal: AbortSignal): Promise<Done>;
  failed(key: string, error: unknown): void;
}

/** The queues of both stages. */
export interface Pipeline {
  /** Enqueues the pod for evaluation. */
  enqueue(key: string, delayMs?: number): void;
  /** Starts evictions even if START_AFTER_MS has not passed. Must be called when all pods have been evaluated. */
  startEvictions(): void;
  run(stages: StageHandlers, signal: AbortSignal): Promise<void>;
}

/**
 * Two queues with their own workers: one for evaluations, which are quick, and one for evictions, which wait for the
 * API server. So evictions do not delay the detection of misplaced pods.
 *
 * Invariant: a pod is not evaluated while its eviction is queued or in progress. If it is enqueued during that time, it
 * is evaluated afterwards.
 */
export class EvictionPipeline implements Pipeline {
  readonly #clock: Clock;
  readonly #evaluations: WorkQueue<string>;
  readonly #evictions: WorkQueue<string>;
  /** Pods whose eviction is queued or in progress. */
  readonly #evicting = new Set<string>();
  /** Pods of `#evicting` that are evaluated after their eviction. */
  readonly #deferred = new Set<string>();
  readonly #start = Promise.withResolvers<undefined>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#evaluations = new WorkQueue({ clock });
    this.#evictions = new WorkQueue({ clock, rateLimit: RETRY });
  }

  /** Number of pods that workers could process now. */
  get length(): number {
    return this.#evaluations.length + this.#evictions.length;
  }

  /** Number of pods that become ready later. */
  get delayed(): number {
    return this.#evaluations.delayed + this.#evictions.delayed;
  }

  /** How long the oldest pod has waited for a worker, milliseconds. */
  get oldestReadyMs(): number {
    return Math.max(this.#evaluations.oldestReadyMs, this.#evictions.oldestReadyMs);
  }

  /** The queue of evaluations. */
  get evaluations(): { readonly length: number; add(key: string): void } {
    return this.#evaluations;
  }

  enqueue(key: string, delayMs = 0): void {
    this.#evaluations.addAfter(key, delayMs);
  }

  startEvictions(): void {
    this.#start.resolve(undefined);
  }

  /** Runs until the signal is aborted and every stage in progress has ended. */
  async run(stages: StageHandlers, signal: AbortSignal): Promise<void> {
    const evaluate = (key: string, ended: AbortSignal) => this.#evaluate(stages, key, ended);
    await Promise.all([
      runWorkers(this.#evaluations, EVALUATION_WORKERS, evaluate, signal, stages),
      this.#runEvictions(stages, signal),
    ]);
    for (const queue of [this.#evaluations, this.#evictions]) queue.stop();
  }

  async #runEvictions(stages: StageHandlers, signal: AbortSignal): Promise<void> {
    await waitAtMost(this.#start.promise, { clock: this.#clock, ms: START_AFTER_MS, signal });
    const evict = (key: string, ended: AbortSignal) => this.#evict(stages, key, ended);
    await runWorkers(this.#evictions, EVICTION_WORKERS, evict, signal, stages);
  }

  async #evaluate(stages: StageHandlers, key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (this.#evicting.has(key)) {
      this.#deferred.add(key);
      return {};
    }
    const next = await stages.evaluate(key, signal);
    if (next.kind === 'evict') {
      this.#evicting.add(key);
      this.#evictions.add(key);
    }
    return next.kind === 'evaluate' ? { requeueAfterMs: next.afterMs } : {};
  }

  /**
   * Evicts the pod. If the stage throws, the pod stays in `#evicting`, because the eviction is retried without
   * returning to the evaluation queue.
   */
  async #evict(stages: StageHandlers, key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const next = await stages.evict(key, signal);
    this.#evicting.delete(key);
    if (this.#deferred.delete(key)) this.enqueue(key);
    if (next.kind === 'evaluate') this.enqueue(key, next.afterMs);
    return {};
  }
}
