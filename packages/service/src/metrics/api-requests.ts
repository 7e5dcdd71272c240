import { enumCounter, enumHistogram, observedEnumGauge } from './enum-metrics.ts';
import type { LabelsOf, Registry } from './enum-metrics.ts';

/** The verbs of the API server's audit log. */
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const;

const RESOURCES = [
  ...['archpolicies', 'archpolicies/status', 'cronjobs', 'events', 'jobs', 'leases', 'namespaces', 'nodes', 'pods'],
  ...[
    'pods/eviction',
    'replicasets',
    'secrets',
    'serviceaccounts',
    'configmaps',
    'mutatingwebhookconfigurations',
    'other',
  ],
] as const;

/** Statuses of the API server, and why there was no usable response. */
const CODES = [
  ...['200', '201', '400', '401', '403', '404', '409', '410', '422', '429', '500', '502', '503', '504'],
  ...['2xx', '3xx', '4xx', '5xx', 'timeout', 'network', 'aborted', 'invalid'],
] as const;

const POOLS = ['calls', 'leases'] as const;

/** Upper bounds of the duration buckets, seconds: from a cached GET to a page of a LIST that times out. */
const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.25, 1, 2.5, 5, 10, 30, 60];

const LABELS = { verb: VERBS, resource: RESOURCES, code: CODES };
const MS_PER_SECOND = 1_000;

/** A request that has ended. */
export interface EndedRequest extends LabelsOf<typeof LABELS> {
  /** For a watch, until the headers of the response. It includes the wait for a connection. */
  readonly tookMs: number;
}

/**
 * Declares the metrics of requests to the API server. Returns the function that counts one request.
 *
 * @param waiting returns the number of requests that wait for a connection, by connection pool
 */
export function declareApiMetrics(
  registry: Registry,
  waiting: () => Readonly<Record<(typeof POOLS)[number], number>>,
): (request: EndedRequest) => void {
  const requests = enumCounter({
    registry,
    name: 'archpolicy_kube_requests_total',
    help: 'Requests to the API server, by verb, resource and status, or why there was no response.',
    labels: LABELS,
  });
  const durations = enumHistogram({
    registry,
    name: 'archpolicy_kube_request_duration_seconds',
    help: 'Duration of requests to the API server, including the wait for a connection. Watches: until the headers.',
    labels: { verb: VERBS, resource: RESOURCES },
    buckets: DURATION_BUCKETS,
  });
  observedEnumGauge({
    registry,
    name: 'archpolicy_kube_requests_waiting',
    help: 'Requests to the API server that wait for a connection, by connection pool.',
    labels: { pool: POOLS },
    read: () => {
      const counts = waiting();
      return POOLS.map((pool) => [{ pool }, counts[pool]]);
    },
  });
  return ({ verb, resource, code, tookMs }) => {
    requests.inc({ verb, resource, code });
    durations.observe({ verb, resource }, tookMs / MS_PER_SECOND);
  };
}
