import type { Clock } from '@archpolicy/async';
import { enumGauge, enumHistogram } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

export const CONTROLLERS = ['remediation', 'policy'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/**
 * Upper bounds of the duration buckets, seconds. They range from decisions in memory to evictions that the API server
 * rejects only after 10 s.
 */
const DURATION_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 12, 30];
const MS_PER_SECOND = 1_000;

/** The metrics of all controllers. */
export interface ControllerMetrics {
  readonly reconciled: (controller: Controller, outcome: 'ok' | 'error', tookMs: number) => void;
  readonly queue: (controller: Controller, depth: number) => void;
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
  const depth = enumGauge({
    registry,
    name: 'archpolicy_queue_depth',
    help: 'Keys that are queued for a worker.',
    labels: { controller: CONTROLLERS },
  });
  return {
    reconciled: (controller, outcome, tookMs) => {
      durations.observe({ controller, outcome }, tookMs / MS_PER_SECOND);
    },
    queue: (controller, keys) => {
      depth.set({ controller }, keys);
    },
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
