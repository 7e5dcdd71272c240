import { CodedError } from '@archpolicy/core';

/** What can go wrong unexpectedly in this package. */
export type ServiceErrorCode =
  /** A server could not listen on its address. */
  | 'ListenFailed'
  /** Something did not close before the deadline and was abandoned. */
  | 'CloseTimedOut';

/** An unexpected failure of what makes a process a service. */
export class ServiceError extends CodedError<ServiceErrorCode> {
  override readonly name = 'ServiceError';
}
