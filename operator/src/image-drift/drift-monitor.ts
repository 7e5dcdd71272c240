import type { Inspection } from '@archpolicy/core';
import type { Inspector } from '@archpolicy/registry';
import { Listeners } from '../listeners.ts';
import { DriftReporter } from './drift-reporter.ts';
import type { DriftReporterOptions } from './drift-reporter.ts';
import { ObservingInspector } from './observing-inspector.ts';
import { TagHistory } from './tag-history.ts';

export interface DriftMonitorOptions extends Omit<DriftReporterOptions, 'history' | 'clock' | 'count'> {
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly clock: DriftReporterOptions['clock'];
  readonly metrics: { readonly contentChange: DriftReporterOptions['count'] };
}

/**
 * Detects tags whose content lost or gained architectures, and reports them. It observes all inspections of the
 * operator.
 */
export class DriftMonitor {
  /** The inspector whose results are observed. All parts must use it instead of `options.inspector`. */
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly #drifts = new Listeners<string>();
  readonly #history: TagHistory;
  /**
   * A separate history for each namespace. So a namespace that has no access to an image gets no events about the
   * image, even if its pods name the image (P4).
   */
  readonly #historyByNamespace: TagHistory;
  readonly #reporter: DriftReporter;

  constructor(options: DriftMonitorOptions) {
    this.#history = new TagHistory(options.clock);
    this.#historyByNamespace = new TagHistory(options.clock);
    this.#reporter = new DriftReporter({ ...options, history: this.#history, count: options.metrics.contentChange });
    this.inspector = new ObservingInspector(options.inspector, (image, inspection, namespace) => {
      this.#observe(image, inspection, namespace);
    });
  }

  /** Calls the listener with each image whose supported architectures changed. Returns an unsubscribe function. */
  subscribe(listener: (image: string) => void): () => void {
    return this.#drifts.subscribe(listener);
  }

  /** The architectures that images have lost. Notifies when pods are affected by others than before. */
  get losses(): Pick<DriftReporter, 'subscribe' | 'getLosses'> {
    return this.#reporter;
  }

  /** Reports drifts until the signal is aborted. Never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reporter.run(signal);
  }

  #observe(image: string, inspection: Inspection, namespace: string | undefined): void {
    const drift = this.#history.observe(image, inspection);
    if (drift !== undefined) {
      this.#reporter.record(drift);
      this.#drifts.notify(image);
    }
    const shown = this.#historyByNamespace.observe(image, inspection, namespace);
    if (shown !== undefined) this.#reporter.notify(shown);
  }
}
