import type { CronJobFacts } from '@archpolicy/core';
import type { ReadStore } from '@archpolicy/kube';

/** The CronJobs of the cluster, for keep-warm. Kept apart from the view that decides: nothing waits for it. */
export interface CronJobView {
  list(): readonly CronJobFacts[];
  /** Keeps the view up to date until the signal is aborted; then resolves. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** The view over a reflector's store. */
export function cronJobView(
  store: Pick<ReadStore<CronJobFacts>, 'list'>,
  reflector: { run(signal: AbortSignal): Promise<void> },
): CronJobView {
  return { list: () => store.list(), run: (signal) => reflector.run(signal) };
}
