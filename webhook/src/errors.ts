import { CodedError } from '@archpolicy/core';

/** What can go wrong unexpectedly in the webhook. */
export type WebhookErrorCode =
  /** A decision did not come before the review's deadline. */
  | 'DeadlinePassed'
  /** It threw: a bug. */
  | 'DecisionFailed';

/** An unexpected failure of the webhook. None of them ever becomes a refusal: the pod is admitted unchanged. */
export class WebhookError extends CodedError<WebhookErrorCode> {
  override readonly name = 'WebhookError';
}
