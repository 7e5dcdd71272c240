import type { BatchedTimeout, Clock } from '@archpolicy/async';
import { hasTooManyParts } from '@archpolicy/core';
import type { DecisionLog } from './decision-log.ts';
import { WebhookError } from './errors.ts';
import type { ReviewOutcome } from './metrics.ts';
import type { PlacedPod } from './mutate/ports.ts';
import { ALLOWED_UNCHANGED, wrapResponse, encodeReview, encodeResponse } from './review/response.ts';
import type { ReviewResponse } from './review/response.ts';
import { isExcessive } from './review/body-limits.ts';
import { parseReview, peekUid } from './review/review.ts';
import type { AdmissionRequest } from './review/review.ts';
import type { UnreadReason } from './server/body.ts';
import type { HttpResponse, ReviewHandler, ReviewTimes } from './server/webhook-server.ts';

export interface AdmissionHandlerOptions {
  readonly mutator: { place(request: AdmissionRequest, deadline: number): Promise<PlacedPod> };
  readonly timeout: BatchedTimeout;
  readonly clock: Clock;
  readonly log: Pick<DecisionLog, 'failed'>;
  /** Called once per review, with its outcome and duration in milliseconds. */
  readonly onReview: (outcome: ReviewOutcome, tookMs: number) => void;
}

/**
 * Maps the body of a review to an HTTP response. After an error, the response allows the pod unchanged. If the uid
 * cannot be read, the response is a 4xx, on which the API server fails open. `allowed` is false only after a deny
 * decision (P1).
 */
export class AdmissionHandler implements ReviewHandler {
  readonly #options: AdmissionHandlerOptions;
  /**
   * The encoded response of each placement, so that a memoized placement is encoded once. The map is weak, so that an
   * entry disappears when MemoizedPlacement drops the placement.
   */
  readonly encodedResponses = new WeakMap<PlacedPod, string>();

  constructor(options: AdmissionHandlerOptions) {
    this.#options = options;
  }

  async handle(body: Buffer, times: ReviewTimes): Promise<HttpResponse> {
    if (isExcessive(body))
      return this.reject('excessive', 413, 'the body is too large, nested too deep or has too many values', times);
    const parsed = parseReview(body);
    if (parsed.kind === 'failed') return this.reject('malformed', 400, parsed.failure, times);
    const request = parsed.value;
    if (!request.createsPod) return this.#unchanged('ignored', request.uid, times);
    if (hasTooManyParts(request.object)) return this.#unchanged('excessive', request.uid, times);
    try {
      const { timeout, mutator } = this.#options;
      const placed = await timeout.wait(mutator.place(request, times.deadline), times.deadline);
      if (placed.kind === 'done') {
        return this.respond('decided', wrapResponse(request.uid, this.#encode(placed.value)), times);
      }
      return this.#failed(
        'late',
        new WebhookError('DeadlinePassed', 'the decision missed the deadline of the review'),
        request,
        times,
      );
    } catch (cause) {
      return this.#failed(
        'failed',
        new WebhookError('DecisionFailed', 'the decision failed', { cause }),
        request,
        times,
      );
    }
  }

  shed(body: Buffer): HttpResponse {
    this.#options.onReview('shed', 0);
    const uid = peekUid(body);
    // The response has no Retry-After: the API server does not retry the call of a webhook, but fails open.
    return uid === undefined ? { status: 429, body: '' } : { status: 200, body: encodeReview(uid, ALLOWED_UNCHANGED) };
  }

  rejectUnread(reason: UnreadReason, times: ReviewTimes): HttpResponse {
    switch (reason) {
      case 'too-large':
        return this.reject('excessive', 413, 'the body is too large', times);
      // As in `shed`, there is no Retry-After.
      case 'busy':
        return this.reject('dropped', 429, 'too many request bodies in memory', times);
      case 'late':
        return this.reject('dropped', 408, 'the body did not arrive by the deadline of the review', times);
    }
  }

  reject(outcome: ReviewOutcome, status: number, problem: string, times: ReviewTimes): HttpResponse {
    this.#options.onReview(outcome, this.elapsedMs(times));
    return { status, body: `${problem}\n` };
  }

  #failed(outcome: 'late' | 'failed', err: WebhookError, request: AdmissionRequest, times: ReviewTimes): HttpResponse {
    this.#options.log.failed(request, err);
    return this.#unchanged(outcome, request.uid, times);
  }

  #unchanged(outcome: ReviewOutcome, uid: string, times: ReviewTimes): HttpResponse {
    return this.respond(outcome, encodeReview(uid, ALLOWED_UNCHANGED), times);
  }

  respond(outcome: ReviewOutcome, body: string, times: ReviewTimes): HttpResponse {
    this.#options.onReview(outcome, this.elapsedMs(times));
    return { status: 200, body };
  }

  #encode(placed: PlacedPod): string {
    const known = this.encodedResponses.get(placed);
    if (known !== undefined) return known;
    const encoded = encodeResponse(toResponse(placed));
    this.encodedResponses.set(placed, encoded);
    return encoded;
  }

  elapsedMs({ arrivedAt }: ReviewTimes): number {
    return this.#options.clock.monotonic() - arrivedAt;
  }
}

function toResponse({ decision, patch, warnings, auditAnnotations, message }: PlacedPod): ReviewResponse {
  const explained = { warnings, auditAnnotations };
  return decision.kind === 'deny'
    ? { ...explained, allowed: false, ...(message !== undefined && { message }) }
    : { ...explained, allowed: true, patch };
}
