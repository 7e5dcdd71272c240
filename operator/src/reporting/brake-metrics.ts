import type { BrakeState } from '@archpolicy/core';
import { enumCounter, enumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

/**
 * Kinds of placement violations. `landed-wrong`: a replacement is misplaced, although the webhook was reachable. `against-terms`: a pod is
 * bound to a node that does not satisfy the pod's own required terms.
 */
export const VIOLATION_KINDS = ['landed-wrong', 'against-terms'] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

/** The metrics of the eviction brake (R7). */
export interface BrakeMetrics {
  readonly violation: (kind: ViolationKind) => void;
  readonly brake: (state: BrakeState) => void;
}

export function declareBrakeMetrics(registry: Registry): BrakeMetrics {
  const faults = enumCounter({
    registry,
    name: 'archpolicy_eviction_faults_total',
    help: 'Placement violations that the eviction brake counts.',
    labels: { fault: VIOLATION_KINDS },
  });
  const stopped = enumGauge({
    registry,
    name: 'archpolicy_evictions_stopped',
    help: '1 while the eviction brake stops all evictions.',
    labels: {},
  });
  const owners = enumGauge({
    registry,
    name: 'archpolicy_evictions_stopped_owners',
    help: 'Owners whose evictions are stopped while the eviction brake does not stop all.',
    labels: {},
  });
  return {
    violation: (fault) => {
      faults.inc({ fault });
    },
    brake: (state) => {
      stopped.set({}, state.kind === 'paused' ? 1 : 0);
      owners.set({}, state.kind === 'owners-paused' ? state.owners.length : 0);
    },
  };
}
