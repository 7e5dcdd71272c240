import type { FactSource, UnresolvedReason } from '@archpolicy/core';

/** What a request to a registry or token service was for. */
export type RequestPurpose = 'manifest' | 'blob' | 'token';

/** How a request ended. */
export type RequestOutcome =
  | 'ok'
  | 'unauthorized'
  | 'not-found'
  | 'rate-limited'
  | 'refused'
  | 'unavailable'
  | 'too-large'
  /** Not encoded as its header declares, or in a content coding that is not decoded; a token: without a token in it. */
  | 'malformed'
  | 'blocked'
  | 'aborted';

/** Why a key of a credential was left out: it cannot match an image, or matching it has no bound. */
export type UnusableKey = 'malformed' | 'too-long' | 'too-many-wildcards' | 'too-many-keys';

/**
 * What this package counts. Labels come from these closed sets only: hosts and image names are chosen by tenants.
 * The process maps each function to one declared metric; they are properties so that a label it lacks is a type error.
 */
export interface RegistryMetrics {
  /** One answer of the inspector. */
  readonly inspection: (labels: {
    readonly outcome: 'resolved' | UnresolvedReason;
    readonly source: FactSource | 'none';
  }) => void;
  /** One request that was sent, or rejected by a limit. */
  readonly request: (labels: {
    readonly purpose: RequestPurpose;
    readonly method: 'GET' | 'HEAD' | 'POST';
    readonly outcome: RequestOutcome;
  }) => void;
  /** A body or cached value that was thrown away because it could not be trusted. */
  readonly discarded: (labels: { readonly what: 'digest-mismatch' | 'redis-value' | 'header-digest' }) => void;
  /** One look-up in a cache. */
  readonly cache: (labels: { readonly level: 'memory' | 'redis'; readonly outcome: 'hit' | 'miss' | 'error' }) => void;
  /** Comparisons of an image with keys of credentials: of a host label, or of the path. */
  readonly credentialComparisons: (count: number) => void;
  /** Keys of pull secrets, docker config files and plugins' answers that were left out. */
  readonly unusableKeys: (labels: { readonly reason: UnusableKey }, count: number) => void;
  /** A registries file was read again. */
  readonly registriesFile: (labels: { readonly outcome: 'loaded' | 'refused' }) => void;
}

/** Counts nothing. */
export const NO_METRICS: RegistryMetrics = {
  inspection: () => undefined,
  request: () => undefined,
  discarded: () => undefined,
  cache: () => undefined,
  credentialComparisons: () => undefined,
  unusableKeys: () => undefined,
  registriesFile: () => undefined,
};
