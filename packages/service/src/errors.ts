import { CodedError } from '@archpolicy/core';

/** Codes of the unexpected failures of this package. */
export type ServiceErrorCode =
  /** A server could not listen on its address. */
  | 'ListenFailed'
  /** A shutdown hook did not finish before the deadline and was abandoned. */
  | 'CloseTimedOut';

/** An unexpected failure of a server or of the shutdown. */
export class ServiceError extends CodedError<ServiceErrorCode> {
  override readonly name = 'ServiceError';
}
