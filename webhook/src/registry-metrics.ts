import type { RegistryMetrics } from '@archpolicy/registry';
import { closedCounter } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

type LabelOf<M extends keyof RegistryMetrics, L extends keyof Parameters<RegistryMetrics[M]>[0]> = Parameters<
  RegistryMetrics[M]
>[0][L];

const INSPECTION_OUTCOMES = [
  'resolved',
  'Deadline',
  'RateLimited',
  'Unavailable',
  'Unauthorized',
  'NotFound',
  'Blocked',
  'Malformed',
  'TooLarge',
  'BreakerOpen',
  'InvalidReference',
  'UnknownPlatform',
] as const satisfies readonly LabelOf<'inspection', 'outcome'>[];
const SOURCES = ['memory', 'redis', 'registry', 'override', 'none'] as const;
const PURPOSES = ['manifest', 'blob', 'token'] as const;
const METHODS = ['GET', 'HEAD', 'POST'] as const;
const REQUEST_OUTCOMES = [
  'ok',
  'unauthorized',
  'not-found',
  'rate-limited',
  'refused',
  'unavailable',
  'too-large',
  'blocked',
  'aborted',
] as const satisfies readonly LabelOf<'request', 'outcome'>[];

/** Declares the metrics of inspection. */
export function declareRegistryMetrics(registry: Registry): RegistryMetrics {
  const inspections = closedCounter({
    registry,
    name: 'archpolicy_inspections_total',
    help: 'Answers about images, by outcome and where the facts came from.',
    labels: { outcome: INSPECTION_OUTCOMES, source: SOURCES },
  });
  const requests = closedCounter({
    registry,
    name: 'archpolicy_registry_requests_total',
    help: 'Requests to registries and token services.',
    labels: { purpose: PURPOSES, method: METHODS, outcome: REQUEST_OUTCOMES },
  });
  const discarded = closedCounter({
    registry,
    name: 'archpolicy_registry_discarded_total',
    help: 'Bodies and cached values thrown away because they could not be trusted.',
    labels: { what: ['digest-mismatch', 'redis-value', 'header-digest'] },
  });
  const cache = closedCounter({
    registry,
    name: 'archpolicy_cache_lookups_total',
    help: 'Look-ups in the caches of image facts.',
    labels: { level: ['memory', 'redis'], outcome: ['hit', 'miss', 'error'] },
  });
  const registriesFile = closedCounter({
    registry,
    name: 'archpolicy_registries_file_reads_total',
    help: 'Times the registries file was read again.',
    labels: { outcome: ['loaded', 'refused'] },
  });
  return {
    inspection: (labels) => {
      inspections.inc(labels);
    },
    request: (labels) => {
      requests.inc(labels);
    },
    discarded: (labels) => {
      discarded.inc(labels);
    },
    cache: (labels) => {
      cache.inc(labels);
    },
    registriesFile: (labels) => {
      registriesFile.inc(labels);
    },
  };
}
