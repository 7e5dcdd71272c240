import { CodedError } from '@archpolicy/core';

/** Codes of the operator's unexpected errors. */
export type OperatorErrorCode =
  /** The Lease was lost. Another process may lead, so this process must no longer act. */
  | 'LeaseLost'
  /** The API server has sent no update of a resource for so long that this process must not lead. */
  | 'ViewStale'
  /** The installed @dot-i/k8s-operator differs from the pinned version. */
  | 'UnexpectedPackage'
  /** Reading a pod before its eviction failed. */
  | 'PodUnreadable'
  /** Reading the node of a pod before its eviction failed. */
  | 'NodeUnreadable'
  /** Reading the Job of a pod failed. */
  | 'JobUnreadable'
  /** Reading a pod's pull secrets failed. */
  | 'PullSecretsUnread';

/** An unexpected error of the operator. */
export class OperatorError extends CodedError<OperatorErrorCode> {
  override readonly name = 'OperatorError';
}
