import type { ClusterViewOptions } from '@archpolicy/cluster-view';
import { closedCounter } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

const RESOURCES = ['archpolicies', 'namespaces', 'nodes', 'pods'] as const;
const FAILURES = [
  'list-failed',
  'list-expired',
  'list-throttled',
  'watch-failed',
  'watch-expired',
  'watch-throttled',
  'watch-too-short',
] as const;

/** Declares the metrics of the views over the cluster. */
export function declareReflectorMetrics(registry: Registry): NonNullable<ClusterViewOptions['observe']> {
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
