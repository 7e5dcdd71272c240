import type { Clock } from '@archpolicy/async';
import { enumHistogram, observedEnumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

export const CONTROLLERS = ['remediation', 'policy', 'gate'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/**
 * Upper bounds of the duration buckets, seconds. They range from decisions in memory to evictions that the API server
 * rejects only after 10 s.
 */
const DURATION_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 12, 30];
const MS_PER_SECOND = 1_000;

/** The keys in a work queue, read at each scrape. */
export interface QueueState {
  /** The number of keys ready for a worker. */
  readonly length: number;
  /** The number of keys that become ready later: after a back-off, or at the time that their last reconcile returned. */
  readonly delayed: number;
  /** How long the oldest ready key has waited for a worker, milliseconds; 0 if no key is ready. */
  readonly oldestReadyMs: number;
}

/** The metrics of all controllers. */
export interface ControllerMetrics {
  readonly reconciled: (controller: Controller, outcome: 'ok' | 'error', tookMs: number) => void;
  /** Sets the queue of a controller. */
  readonly watchQueue: (controller: Controller, queue: QueueState) => void;
}

/** Declares the metrics, once for each registry. */
export function declareControllerMetrics(registry: Registry): ControllerMetrics {
  const durations = enumHistogram({
    registry,
    name: 'archpolicy_reconcile_duration_seconds',
    help: 'Time of one reconcile.',
    labels: { controller: CONTROLLERS, outcome: ['ok', 'error'] },
    buckets: DURATION_BUCKETS,
  });
  return {
    reconciled: (controller, outcome, tookMs) => {
      durations.observe({ controller, outcome }, tookMs / MS_PER_SECOND);
    },
    watchQueue: declareQueueGauges(registry),
  };
}

const NO_QUEUE: QueueState = { length: 0, delayed: 0, oldestReadyMs: 0 };

function declareQueueGauges(registry: Registry): ControllerMetrics['watchQueue'] {
  const queues = new Map<Controller, QueueState>();
  const declare = (name: `archpolicy_queue_${string}`, help: string, value: (queue: QueueState) => number): void => {
    const read = () =>
      CONTROLLERS.map((controller) => [{ controller }, value(queues.get(controller) ?? NO_QUEUE)] as const);
    observedEnumGauge({ registry, name, help, labels: { controller: CONTROLLERS }, read });
  };
  declare('archpolicy_queue_depth', 'Keys that are ready for a worker.', ({ length }) => length);
  declare('archpolicy_queue_delayed', 'Keys that become ready later.', ({ delayed }) => delayed);
  declare(
    'archpolicy_queue_oldest_age_seconds',
    'How long the oldest ready key has waited for a worker.',
    ({ oldestReadyMs }) => oldestReadyMs / MS_PER_SECOND,
  );
  return (controller, queue) => {
    queues.set(controller, queue);
  };
}

/** Runs one reconcile. Records its duration and outcome. */
export async function timeReconcile<T>(
  controller: Controller,
  {
    metrics,
    clock,
  }: { readonly metrics: Pick<ControllerMetrics, 'reconciled'>; readonly clock: Pick<Clock, 'monotonic'> },
  reconcile: () => Promise<T>,
): Promise<T> {
  const startedAt = clock.monotonic();
  let outcome: 'ok' | 'error' = 'error';
  try {
    const result = await reconcile();
    outcome = 'ok';
    return result;
  } finally {
    metrics.reconciled(controller, outcome, clock.monotonic() - startedAt);
  }
}
