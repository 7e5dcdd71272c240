import { closedCounter } from './closed.ts';
import type { Registry } from './closed.ts';

/** What is watched of a cluster. */
const RESOURCES = ['archpolicies', 'namespaces', 'nodes', 'pods', 'cronjobs'] as const;
const FAILURES = [
  'list-failed',
  'list-expired',
  'list-throttled',
  'watch-failed',
  'watch-expired',
  'watch-throttled',
  'watch-too-short',
] as const;

/** What one reflector tells. */
export interface ReflectorCounts {
  readonly listStarted: () => void;
  readonly failed: (failure: (typeof FAILURES)[number]) => void;
}

/** Declares the metrics of the views over the cluster. */
export function declareReflectorMetrics(registry: Registry): (resource: (typeof RESOURCES)[number]) => ReflectorCounts {
  const lists = closedCounter({
    registry,
    name: 'archpolicy_reflector_lists_total',
    help: 'LISTs begun, by resource.',
    labels: { resource: RESOURCES },
  });
  const failures = closedCounter({
    registry,
    name: 'archpolicy_reflector_failures_total',
    help: 'LISTs and watches that failed or ended early, by resource and kind.',
    labels: { resource: RESOURCES, failure: FAILURES },
  });
  return (resource) => ({
    listStarted: () => {
      lists.inc({ resource });
    },
    failed: (failure) => {
      failures.inc({ resource, failure });
    },
  });
}
