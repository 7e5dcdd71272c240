import { enumCounter, enumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { DEGRADED_REASONS } from './degradations.ts';
import type { DegradedReason } from './degradations.ts';

const STATUS_WRITES = ['written', 'unconfirmed'] as const;
export type StatusWrite = (typeof STATUS_WRITES)[number];

/** The metrics of the policy controller. */
export interface PolicyMetrics {
  readonly statusWrite: (outcome: StatusWrite) => void;
  readonly degraded: (reason: DegradedReason, policies: number) => void;
}

/** Declares the metrics, once for each registry. */
export function declarePolicyMetrics(registry: Registry): PolicyMetrics {
  const writes = enumCounter({
    registry,
    name: 'archpolicy_status_writes_total',
    help: 'Writes of a policy’s status; unconfirmed ones are retried.',
    labels: { outcome: STATUS_WRITES },
  });
  const degraded = enumGauge({
    registry,
    name: 'archpolicy_degraded_policies',
    help: 'Policies whose condition Degraded is True, by its reason.',
    labels: { reason: DEGRADED_REASONS },
  });
  return {
    statusWrite: (outcome) => {
      writes.inc({ outcome });
    },
    degraded: (reason, policies) => {
      degraded.set({ reason }, policies);
    },
  };
}
