import type { FactSource, UnresolvedReason } from '@archpolicy/core';
import { enumCounter } from './enum-metrics.ts';
import { hostCounter } from './host-metrics.ts';
import { declareRegistryHealth } from './registry-health.ts';
import type { RegistryHealth } from './registry-health.ts';
import type { EnumCounter, LabelSets, LabelsOf, Registry } from './enum-metrics.ts';

const OUTCOMES = [
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
] as const satisfies readonly ('resolved' | UnresolvedReason)[];
const SOURCES = ['memory', 'redis', 'registry', 'override', 'none'] as const satisfies readonly (FactSource | 'none')[];
const REQUEST_OUTCOMES = [
  'ok',
  'unauthorized',
  'not-found',
  'rate-limited',
  'refused',
  'unavailable',
  'too-large',
  'malformed',
  'blocked',
  'aborted',
] as const;

const FAILURE_CAUSES = [
  ...['unauthorized', 'not-found', 'rate-limited', 'request-rejected', 'server-error', 'request-limit'],
  ...['circuit-breaker', 'dns', 'connection', 'tls', 'proxy', 'timeout', 'invalid-response', 'response-too-large'],
  ...['digest-mismatch', 'redirect-refused', 'address-guard', 'blocked-host'],
  ...['token-service-url-relative', 'token-service-url-invalid', 'token-service-plain-http'],
  ...['token-service-blocked', 'token-service-redirects', 'credential-helpers-only', 'credential-kind'],
] as const;

/** Labels of each metric. Hosts and image names are not labels, because tenants choose them. */
const LABELS = {
  inspection: { outcome: OUTCOMES, source: SOURCES },
  request: { purpose: ['manifest', 'blob', 'token'], method: ['GET', 'HEAD', 'POST'], outcome: REQUEST_OUTCOMES },
  discarded: { what: ['digest-mismatch', 'redis-value', 'header-digest'] },
  cache: { level: ['memory', 'redis'], outcome: ['hit', 'miss', 'error'] },
  credentialComparisons: {},
  unusableKeys: { reason: ['malformed', 'too-long', 'too-many-wildcards', 'too-many-keys'] },
  registriesFile: { outcome: ['loaded', 'refused'] },
} as const satisfies Record<string, LabelSets>;

/** Metrics that grow by more than one at a time. */
type Amount = 'credentialComparisons' | 'unusableKeys';

/** The callbacks with which the inspector counts. */
export type InspectionCounts = RegistryHealth & {
  /** @param labels `host`: as the registries file writes it, or `other` */
  readonly failure: (labels: { readonly host: string; readonly cause: (typeof FAILURE_CAUSES)[number] }) => void;
} & {
  readonly [M in Exclude<keyof typeof LABELS, Amount>]: (labels: LabelsOf<(typeof LABELS)[M]>) => void;
} & {
  readonly credentialComparisons: (count: number) => void;
  readonly unusableKeys: (labels: LabelsOf<(typeof LABELS)['unusableKeys']>, count: number) => void;
};

/** Declares the metrics of inspections, registry requests, caches and the registries file. */
export function declareInspectionMetrics(registry: Registry): InspectionCounts {
  const failures = hostCounter({
    registry,
    name: 'archpolicy_registry_failures_total',
    help: 'Images that could not be read, by cause, and by host if the registries file names it.',
    causes: FAILURE_CAUSES,
  });
  return {
    ...declareAnswers(registry),
    ...declareCredentials(registry),
    ...declareRegistryHealth(registry),
    failure: (labels) => {
      failures.inc(labels);
    },
  };
}

function declareCredentials(registry: Registry): Pick<InspectionCounts, Amount> {
  const comparisons = enumCounter({
    registry,
    name: 'archpolicy_credential_comparisons_total',
    help: 'Comparisons of images with the keys of pull secrets, docker config files and plugin answers.',
    labels: LABELS.credentialComparisons,
  });
  const unusable = enumCounter({
    registry,
    name: 'archpolicy_credential_keys_unusable_total',
    help: 'Keys of credentials that were ignored, by reason: they match no image, or exceed a bound.',
    labels: LABELS.unusableKeys,
  });
  return {
    credentialComparisons: (count) => {
      comparisons.inc({}, count);
    },
    unusableKeys: (labels, count) => {
      unusable.inc(labels, count);
    },
  };
}

function declareAnswers(registry: Registry): Omit<InspectionCounts, Amount | 'failure' | keyof RegistryHealth> {
  return {
    inspection: buildIncrement({
      registry,
      name: 'archpolicy_inspections_total',
      help: 'Inspections of images, by outcome and source of the facts.',
      labels: LABELS.inspection,
    }),
    request: buildIncrement({
      registry,
      name: 'archpolicy_registry_requests_total',
      help: 'Requests to registries and token services.',
      labels: LABELS.request,
    }),
    discarded: buildIncrement({
      registry,
      name: 'archpolicy_registry_discarded_total',
      help: 'Bodies and cached values that were discarded because a check of their content failed.',
      labels: LABELS.discarded,
    }),
    cache: buildIncrement({
      registry,
      name: 'archpolicy_cache_lookups_total',
      help: 'Lookups in the caches of image facts.',
      labels: LABELS.cache,
    }),
    registriesFile: buildIncrement({
      registry,
      name: 'archpolicy_registries_file_reads_total',
      help: 'Reloads of the registries file, by outcome.',
      labels: LABELS.registriesFile,
    }),
  };
}

function buildIncrement<L extends LabelSets>(row: Parameters<typeof enumCounter<L>>[0]): (labels: LabelsOf<L>) => void {
  const counter: EnumCounter<L> = enumCounter(row);
  return (labels) => {
    counter.inc(labels);
  };
}
