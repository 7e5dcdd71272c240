import type { Clock } from '@archpolicy/async';
import type { ControllerMetrics } from '../controller-metrics.ts';
import { NOT_EVICTED_REASONS } from './metrics.ts';
import type { RemediationMetrics } from './metrics.ts';

/** How often the gauges are set. */
const REFRESH_MS = 500;

export interface PodGaugesOptions {
  readonly stats: { readonly misplaced: number; notEvicted(reason: string): number };
  /** Pods that are queued for a worker. */
  readonly queue: { readonly length: number };
  readonly metrics: Pick<RemediationMetrics, 'misplaced' | 'notEvicted'> & Pick<ControllerMetrics, 'queue'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** Updates the gauges of pods and of the remediation queue. */
export class PodGauges {
  readonly #options: PodGaugesOptions;

  constructor(options: PodGaugesOptions) {
    this.#options = options;
  }

  /** Updates the gauges until the signal is aborted. Then sets the gauge of the queue to zero. */
  async run(signal: AbortSignal): Promise<void> {
    const { stats, queue, metrics, clock } = this.#options;
    while (!signal.aborted) {
      metrics.queue('remediation', queue.length);
      metrics.misplaced(stats.misplaced);
      for (const reason of NOT_EVICTED_REASONS) metrics.notEvicted(reason, stats.notEvicted(reason));
      await clock.sleep(REFRESH_MS, signal).catch(() => undefined);
    }
    metrics.queue('remediation', 0);
  }
}
