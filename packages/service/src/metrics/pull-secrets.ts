import { closedCounter } from './closed.ts';
import type { Registry } from './closed.ts';

const OUTCOMES = ['found', 'not-found', 'forbidden', 'unusable', 'unavailable'] as const;

/** Declares the metric of pull secrets: what is returned is told of each read of one. */
export function declarePullSecretMetrics(registry: Registry): (outcome: (typeof OUTCOMES)[number]) => void {
  const reads = closedCounter({
    registry,
    name: 'archpolicy_pull_secret_reads_total',
    help: 'Reads of pull secrets from the API server, by what came of them.',
    labels: { outcome: OUTCOMES },
  });
  return (outcome) => {
    reads.inc({ outcome });
  };
}
