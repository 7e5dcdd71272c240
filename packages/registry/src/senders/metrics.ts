import type { Clock } from '@archpolicy/async';
import { classifyError } from '../http/error-status.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RegistryMetrics, RequestOutcome } from '../metrics.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';
import { parseTokenResponse } from './token-response.ts';

type OutcomeByReason = Partial<Record<FetchFailure['reason'], RequestOutcome>>;

const FAILURES: OutcomeByReason = {
  Deadline: 'aborted',
  TooLarge: 'too-large',
  Malformed: 'malformed',
  Blocked: 'blocked',
};
const TOKEN_FAILURES: OutcomeByReason = { ...FAILURES, Unauthorized: 'unauthorized', RateLimited: 'rate-limited' };

/** Counts each request by its outcome: every hop of a redirect, and requests that a limit rejects. */
export class MetricsSender implements Sender {
  readonly #next: Sender;
  readonly #metrics: RegistryMetrics;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(next: Sender, metrics: RegistryMetrics, clock: Pick<Clock, 'now'>) {
    this.#next = next;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const response = await this.#next.send(request, context);
    const { purpose, method } = request;
    const outcome = purpose === 'token' ? this.#tokenOutcome(response) : requestOutcome(response);
    this.#metrics.request({ purpose, method, outcome });
    return response;
  }

  /**
   * Returns the outcome of a token request. The statuses of a token response have other meanings than those of other
   * responses, and a token response without a token is malformed.
   */
  #tokenOutcome(response: HttpResponse | FetchFailure): RequestOutcome {
    const token = parseTokenResponse(response, this.#clock.now());
    return token.kind === 'fetched' ? 'ok' : (TOKEN_FAILURES[token.reason] ?? 'unavailable');
  }
}

function requestOutcome(response: HttpResponse | FetchFailure): RequestOutcome {
  return response.kind === 'response' ? statusOutcome(response.status) : (FAILURES[response.reason] ?? 'unavailable');
}

function statusOutcome(status: number): RequestOutcome {
  if (status < 400) return 'ok';
  const error = classifyError(status);
  return error === 'rejected' ? 'refused' : error;
}
