import { CodedError } from '@archpolicy/core';

/** Codes of the webhook's unexpected errors. */
export type WebhookErrorCode =
  /** The decision missed the review's deadline. */
  | 'DeadlinePassed'
  /** The decision threw: a bug. */
  | 'DecisionFailed';

/** An unexpected error of the webhook. The pod is admitted unchanged, never rejected. */
export class WebhookError extends CodedError<WebhookErrorCode> {
  override readonly name = 'WebhookError';
}
