import type { KeyedConcurrencyLimitOptions, SharedWorkOptions } from '@archpolicy/async';
import type { CredentialUse } from '../keyring.ts';

/** Maximum number of processes. A plugin takes tens of MB of the container's memory, and starts in some 50 ms. */
const MAX_PROCESSES = 4;

/** The limits of runs of plugins, which the namespaces share. */
export const PLUGIN_SHARES: Omit<SharedWorkOptions<CredentialUse['priority']>, 'clock'> = {
  priorities: ['admission', 'background'],
  maxRunning: MAX_PROCESSES,
  // As many as inspections that wait.
  maxWaiting: 10_000,
  maxWaitingPerTenant: 4_000,
  // Half a second is more than most plugins take. The run of another namespace waits no longer for those of a namespace
  // that uses more.
  preemption: { overShareMs: 500, abandonedMs: 500 },
};

/** The processes themselves. A run that was aborted keeps its slot until its process has ended. */
export const PROCESS_LIMIT: KeyedConcurrencyLimitOptions<'plugin'> = {
  priorities: ['plugin'],
  maxRunning: MAX_PROCESSES,
  maxRunningPerKey: 1,
  maxWaiting: Number.POSITIVE_INFINITY,
  maxWaitingPerKey: Number.POSITIVE_INFINITY,
};
