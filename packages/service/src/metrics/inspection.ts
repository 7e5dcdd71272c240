import type { FactSource, UnresolvedReason } from '@archpolicy/core';
import { closedCounter } from './closed.ts';
import type { ClosedCounter, LabelSets, LabelsOf, Registry } from './closed.ts';

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

/** Labels of each metric: hosts and image names are chosen by tenants, and are none. */
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

/** What the inspector of images counts. */
export type InspectionCounts = {
  readonly [M in Exclude<keyof typeof LABELS, Amount>]: (labels: LabelsOf<(typeof LABELS)[M]>) => void;
} & {
  readonly credentialComparisons: (count: number) => void;
  readonly unusableKeys: (labels: LabelsOf<(typeof LABELS)['unusableKeys']>, count: number) => void;
};

/** Declares the metrics of inspection: answers, requests, caches, and the registries file. */
export function declareInspectionMetrics(registry: Registry): InspectionCounts {
  return { ...declareAnswers(registry), ...declareCredentials(registry) };
}

function declareCredentials(registry: Registry): Pick<InspectionCounts, Amount> {
  const comparisons = closedCounter({
    registry,
    name: 'archpolicy_credential_comparisons_total',
    help: 'Comparisons of images with the keys of pull secrets, docker config files and plugin answers.',
    labels: LABELS.credentialComparisons,
  });
  const unusable = closedCounter({
    registry,
    name: 'archpolicy_credential_keys_unusable_total',
    help: 'Keys of credentials that were left out, by reason: they match no image, or exceed a bound.',
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

function declareAnswers(registry: Registry): Omit<InspectionCounts, Amount> {
  return {
    inspection: told({
      registry,
      name: 'archpolicy_inspections_total',
      help: 'Answers about images, by outcome and where the facts came from.',
      labels: LABELS.inspection,
    }),
    request: told({
      registry,
      name: 'archpolicy_registry_requests_total',
      help: 'Requests to registries and token services.',
      labels: LABELS.request,
    }),
    discarded: told({
      registry,
      name: 'archpolicy_registry_discarded_total',
      help: 'Bodies and cached values thrown away because they could not be trusted.',
      labels: LABELS.discarded,
    }),
    cache: told({
      registry,
      name: 'archpolicy_cache_lookups_total',
      help: 'Look-ups in the caches of image facts.',
      labels: LABELS.cache,
    }),
    registriesFile: told({
      registry,
      name: 'archpolicy_registries_file_reads_total',
      help: 'Times the registries file was read again.',
      labels: LABELS.registriesFile,
    }),
  };
}

function told<L extends LabelSets>(row: Parameters<typeof closedCounter<L>>[0]): (labels: LabelsOf<L>) => void {
  const counter: ClosedCounter<L> = closedCounter(row);
  return (labels) => {
    counter.inc(labels);
  };
}
