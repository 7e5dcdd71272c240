import type { KeyedConcurrencyLimitOptions } from '@archpolicy/async';
import type { InspectionPriority } from './inspect-request.ts';

/** The limits of concurrent inspections (K5): keys are registry hosts, items are images. Tenants choose both. */
export const INSPECTION_LIMIT: KeyedConcurrencyLimitOptions<InspectionPriority> = {
  // Background inspections run only in slots that pods do not need.
  priorities: ['admission', 'background'],
  maxRunning: 2_000,
  // At 100 ms each, 64 slots process 640 images a second. A registry that hangs blocks only its own 64 slots.
  maxRunningPerKey: 64,
  // A cluster that restarts names some thousand images. A waiting inspection takes about 3 KB (measured).
  maxWaiting: 10_000,
  // One registry can process this many waiting inspections before they are outdated. The rest of the queue is for other
  // registries.
  maxWaitingPerKey: 4_000,
};
