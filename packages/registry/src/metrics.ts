import type { FactSource, UnresolvedReason } from '@archpolicy/core';
import type { FailureCauseKind } from './http/failure-cause.ts';

/** The purpose of a request to a registry or token service. */
export type RequestPurpose = 'manifest' | 'blob' | 'token';

/** The outcome of a request. */
export type RequestOutcome =
  | 'ok'
  | 'unauthorized'
  | 'not-found'
  | 'rate-limited'
  | 'refused'
  | 'unavailable'
  | 'too-large'
  /**
   * The body is not encoded as its header declares, or has an unsupported coding. For token requests, also a response
   * without a token.
   */
  | 'malformed'
  | 'blocked'
  | 'aborted';

/** How a command of Redis ended. `refused`: with an error reply. `unavailable`: without a reply. */
export type RedisOutcome = 'reply' | 'refused' | 'unavailable';

/** The reason why a key of a docker config was left out: the key cannot match an image, or it exceeds a bound. */
export type UnusableKey = 'malformed' | 'too-long' | 'too-many-wildcards' | 'too-many-keys';

/**
 * The counters of this package. Labels have only the values that are declared here, never image names, and hosts only as the
 * registries file writes them, because tenants choose the others. The process maps each function to one metric. The functions are properties instead of methods,
 * so that a missing label is a type error.
 */
export interface RegistryMetrics {
  /** Counts one result of the inspector. */
  readonly inspection: (labels: {
    readonly outcome: 'resolved' | UnresolvedReason;
    readonly source: FactSource | 'none';
  }) => void;
  /**
   * Counts one inspection that failed, or a mirror that failed.
   * @param labels `host`: the host of the registry's entry in the registries file, or `other`
   */
  readonly failure: (labels: { readonly host: string; readonly cause: FailureCauseKind }) => void;
  /** Counts one request that was sent, or rejected by a limit. */
  readonly request: (labels: {
    readonly purpose: RequestPurpose;
    readonly method: 'GET' | 'HEAD' | 'POST';
    readonly outcome: RequestOutcome;
  }) => void;
  /** Counts a body or cached value that was discarded as invalid. */
  readonly discarded: (labels: { readonly what: 'digest-mismatch' | 'redis-value' | 'header-digest' }) => void;
  /** Counts one look-up in a cache. */
  readonly cache: (labels: { readonly level: 'memory' | 'redis'; readonly outcome: 'hit' | 'miss' | 'error' }) => void;
  /** Counts comparisons of images with keys of credentials. Each comparison is of one host label, or of the path. */
  readonly credentialComparisons: (count: number) => void;
  /** Counts the keys that were left out of pull secrets, docker config files and responses of plugins. */
  readonly unusableKeys: (labels: { readonly reason: UnusableKey }, count: number) => void;
  /**
   * Records how long a request took that was sent over the network, without the wait for limits.
   * @param host the host of the registry's entry in the registries file, or `other`
   */
  readonly requestTook: (host: string, tookMs: number) => void;
  /** Sets the function that returns the number of hosts whose circuit breaker is open, by label as in `requestTook`. */
  readonly watchCircuits: (read: () => Iterable<readonly [host: string, open: number]>) => void;
  /** Records how a command of Redis ended, and how long it took. Commands that the open breaker rejects are not sent. */
  readonly redisCommand: (outcome: RedisOutcome, tookMs: number) => void;
  /** Sets the function that returns whether Redis answers. */
  readonly watchRedis: (isUp: () => boolean) => void;
  /** Records when the registries file was last read without a problem, epoch milliseconds. */
  readonly registriesFileValid: (atMs: number) => void;
  /** Counts one reload of the registries file. */
  readonly registriesFile: (labels: { readonly outcome: 'loaded' | 'refused' }) => void;
}

/** Counts nothing. */
export const NO_METRICS: RegistryMetrics = {
  inspection: () => undefined,
  failure: () => undefined,
  request: () => undefined,
  discarded: () => undefined,
  cache: () => undefined,
  credentialComparisons: () => undefined,
  unusableKeys: () => undefined,
  requestTook: () => undefined,
  watchCircuits: () => undefined,
  redisCommand: () => undefined,
  watchRedis: () => undefined,
  registriesFileValid: () => undefined,
  registriesFile: () => undefined,
};
