import type { UnresolvedReason } from '@archpolicy/core';
import type { FailureCause, FailurePlace } from './failure-cause.ts';

/** Why there is no usable response. */
export type FetchFailureReason = Exclude<UnresolvedReason, 'InvalidReference' | 'UnknownPlatform'>;

/** The failure of a request, as an outcome instead of an exception or a default (I4). */
export interface FetchFailure {
  readonly kind: 'failed';
  readonly reason: FetchFailureReason;
  /** What failed, for the log. Absent if a bound of this process, such as a namespace's share, caused the failure. */
  readonly cause?: FailureCause;
  /** The time before which a retry would fail (epoch milliseconds). Absent if it is unknown. */
  readonly retryAtMs?: number;
  /**
   * The server rejected the request itself (400, 406), and did not state whether the image exists. A retry does not
   * help, another credential may; and what was cached before is still valid.
   */
  readonly isRequestRejected?: true;
  /** Whether a bound of this process delayed the request until its deadline. Then the failure shows nothing about the host. */
  readonly isOwnDelay?: true;
}

export type Fetched<T> = { readonly kind: 'fetched'; readonly value: T } | FetchFailure;

export function fetched<T>(value: T): Fetched<T> {
  return { kind: 'fetched', value };
}

export function failed(reason: FetchFailureReason, retryAtMs?: number): FetchFailure {
  return { kind: 'failed', reason, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
}

/** Returns a failure with its cause. */
export function failedBecause(cause: FailureCause, reason: FetchFailureReason, retryAtMs?: number): FetchFailure {
  return { ...failed(reason, retryAtMs), cause };
}

/** Returns the failure of a request that the server rejected as such. */
export function requestRejected(cause: FailureCause, reason: 'Unauthorized' | 'NotFound'): FetchFailure {
  return { ...failedBecause(cause, reason), isRequestRejected: true };
}

/** Returns the failure of a request to a server that the registry named. */
export function inPlace(failure: FetchFailure, place: FailurePlace, host: string): FetchFailure {
  const { cause } = failure;
  return cause === undefined || cause.server !== undefined
    ? failure
    : { ...failure, cause: { ...cause, server: { place, host } } };
}

/** Whether the registry answered that it does not return the image to this credential. */
export function isRejection({ reason }: FetchFailure): boolean {
  return reason === 'Unauthorized' || reason === 'NotFound';
}
