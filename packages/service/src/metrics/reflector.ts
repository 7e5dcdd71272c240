import { enumCounter } from './enum-metrics.ts';
import type { Registry } from './enum-metrics.ts';

/** The watched resources. */
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

/** The callbacks with which a reflector counts. */
export interface ReflectorCounts {
  readonly listStarted: () => void;
  readonly failed: (failure: (typeof FAILURES)[number]) => void;
}

/** Declares the metrics of reflectors. Returns the callbacks for one resource. */
export function declareReflectorMetrics(registry: Registry): (resource: (typeof RESOURCES)[number]) => ReflectorCounts {
  const lists = enumCounter({
    registry,
    name: 'archpolicy_reflector_lists_total',
    help: 'LISTs that were started, by resource.',
    labels: { resource: RESOURCES },
  });
  const failures = enumCounter({
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
