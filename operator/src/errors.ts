import { CodedError } from '@archpolicy/core';

/** What can go wrong unexpectedly in the operator. */
export type OperatorErrorCode =
  /** The Lease was lost: another process leads now, and this one must not act any more. */
  | 'LeaseLost'
  /** @dot-i/k8s-operator is not built as its pinned version is. */
  | 'UnexpectedPackage'
  /** A pod that was about to be evicted could not be read. */
  | 'PodUnreadable'
  /** The node of such a pod could not be read. */
  | 'NodeUnreadable'
  /** The API server did not say what is in a pod's pull secrets. */
  | 'PullSecretsUnread';

/** An unexpected failure of the operator. */
export class OperatorError extends CodedError<OperatorErrorCode> {
  override readonly name = 'OperatorError';
}
