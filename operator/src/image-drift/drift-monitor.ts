import type { Inspection } from '@archpolicy/core';
import type { Inspector } from '@archpolicy/registry';
import { Listeners } from '../listeners.ts';
import { DriftReporter } from './drift-reporter.ts';
import type { DriftReporterOptions } from './drift-reporter.ts';
import { ObservingInspector } from './observing-inspector.ts';
import { TagHistory } from './tag-history.ts';

export interface DriftMonitorOptions extends Omit<DriftReporterOptions, 'history' | 'clock' | 'count'> {
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly clock: ConstructorParameters<typeof TagHistory>[0] & DriftReporterOptions['clock'];
  readonly metrics: { readonly contentChange: DriftReporterOptions['count'] };
}

/** Detects in all inspections of the operator that the content behind a tag lost or gained architectures, and reports it. */
export class DriftMonitor {
  /** To be used in place of the inspector that was given. */
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly #drifts = new Listeners<string>();
  readonly #history: TagHistory;
  /** A namespace that was not shown an image gets no event about it, however often its pods name it (P4). */
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

  /** The listener receives each image whose supported architectures changed. Returns the function that unsubscribes it. */
  subscribe(listener: (image: string) => void): () => void {
    return this.#drifts.subscribe(listener);
  }

  /** What images of the policy's pods lost where these run, in sentences. */
  lossesOf(policy: string): readonly string[] {
    return this.#reporter.lossesOf(policy);
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
