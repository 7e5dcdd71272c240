import { enumCounter } from './enum-metrics.ts';
import type { Registry } from './enum-metrics.ts';

const OUTCOMES = ['found', 'not-found', 'forbidden', 'unusable', 'unavailable'] as const;

/** Declares the metric of pull secrets. Returns a function that counts one read. */
export function declarePullSecretMetrics(registry: Registry): (outcome: (typeof OUTCOMES)[number]) => void {
  const reads = enumCounter({
    registry,
    name: 'archpolicy_pull_secret_reads_total',
    help: 'Reads of pull secrets from the API server, by outcome.',
    labels: { outcome: OUTCOMES },
  });
  return (outcome) => {
    reads.inc({ outcome });
  };
}
