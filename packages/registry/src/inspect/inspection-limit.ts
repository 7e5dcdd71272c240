import type { KeyedConcurrencyLimitOptions } from '@archpolicy/async';
import type { InspectionPriority } from './inspect-request.ts';

/** Images that are inspected at the same time (K5): keys are registry hosts, items are images. Tenants choose both. */
export const INSPECTION_LIMIT: KeyedConcurrencyLimitOptions<InspectionPriority> = {
  // Background inspections never take a slot that a pod needs.
  priorities: ['admission', 'background'],
  maxRunning: 2_000,
  // At 100 ms each, a registry that works gets through 640 a second; one that hangs holds no more than these.
  maxRunningPerKey: 64,
  // A cluster that starts again names some thousand images. An inspection that waits takes about 3 KB in all (measured).
  maxWaiting: 10_000,
  // A registry works these off before they are stale, and other registries have room.
  maxWaitingPerKey: 4_000,
};
