import { observedEnumGauge } from './enum-metrics.ts';
import type { Registry } from './enum-metrics.ts';

const LEASES = ['operator', 'webhook'] as const;
const MS_PER_SECOND = 1_000;

/** A Lease as a process has last read it. */
export interface LeaseState {
  /** Time since the last renewal that this process observed. */
  readonly ageMs: number;
  /** How often the Lease has changed its holder. */
  readonly transitions: number;
}

/**
 * Declares the metrics of the Leases of operator and webhook.
 *
 * @param leases functions that return the state of a Lease; undefined until the Lease has been read
 */
export function declareLeaseMetrics(
  registry: Registry,
  leases: Readonly<Record<(typeof LEASES)[number], () => LeaseState | undefined>>,
): void {
  const read = (value: (state: LeaseState) => number) =>
    LEASES.flatMap((lease) => {
      const state = leases[lease]();
      return state === undefined ? [] : [[{ lease }, value(state)] as const];
    });
  observedEnumGauge({
    registry,
    name: 'archpolicy_lease_age_seconds',
    help: 'Time since the last renewal of a Lease that this process observed.',
    labels: { lease: LEASES },
    read: () => read(({ ageMs }) => ageMs / MS_PER_SECOND),
  });
  observedEnumGauge({
    registry,
    name: 'archpolicy_lease_transitions',
    help: 'How often a Lease has changed its holder.',
    labels: { lease: LEASES },
    read: () => read(({ transitions }) => transitions),
  });
}
