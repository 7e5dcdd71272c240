import { CodedError } from '@archpolicy/core';

/** Codes of the webhook's unexpected errors. */
export type WebhookErrorCode =
  /** The decision was not complete at the deadline of the review. */
  | 'DeadlinePassed'
  /** The decision threw an error, which is a bug. */
  | 'DecisionFailed';

/**
 * An unexpected error of the webhook. A pod whose review ends with such an error is admitted unchanged, never rejected.
 */
export class WebhookError extends CodedError<WebhookErrorCode> {
  override readonly name = 'WebhookError';
}
