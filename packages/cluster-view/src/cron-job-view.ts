import type { CronJobFacts } from '@archpolicy/core';
import type { ReadStore } from '@archpolicy/kube';

/**
 * The CronJobs of the cluster, for keep-warm. This view is separate from ClusterView, so that readiness does not wait
 * for CronJobs.
 */
export interface CronJobView {
  list(): readonly CronJobFacts[];
  /** Updates the view until the signal is aborted. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Builds the view from a reflector and its store. */
export function cronJobView(
  store: Pick<ReadStore<CronJobFacts>, 'list'>,
  reflector: { run(signal: AbortSignal): Promise<void> },
): CronJobView {
  return { list: () => store.list(), run: (signal) => reflector.run(signal) };
}
