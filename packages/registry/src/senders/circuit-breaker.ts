import { CircuitBreaker } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import { OTHER_HOST } from '../config/registries.ts';
import type { Registries } from '../config/registries.ts';
import { normalizeHost } from '../hosts/host-pattern.ts';
import { failedBecause } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

/** What the outcome of a request shows about the endpoint's host. */
type Evidence = 'success' | 'failure' | 'none';

/** Maximum number of hosts with a breaker in memory, because tenants choose hosts. */
const MAX_HOSTS = 1_000;
/**
 * How long a request must wait without a response to count as a failure. A request that is aborted earlier does not
 * count, because other steps of the inspection may have used up the time.
 */
const SILENT_MS = 3_000;
/**
 * The breaker opens after five failures in a row, because fewer failures may be transient. A host that recovers is
 * detected within 30 s, and gets no more than two requests a minute until then.
 */
const BREAKER = { failureThreshold: 5, firstOpenMs: 1_000, maxOpenMs: 30_000 };
/**
 * How long a host must fail before its failures are reported as an outage. No pod waits for the end of an outage.
 * Before that, the failures count as transient, no matter how many requests fail. The time is half of the default
 * `gateTimeout`.
 */
const OUTAGE_MS = 30_000;

/**
 * Sends no requests to hosts that fail repeatedly (K5). Each replica decides for itself whether a host can be reached
 * (ADR 0055). The failures of a redirect or of a token service count for the endpoint that named it, not for the named
 * host, because otherwise a registry could open the breaker of any other host.
 */
export class CircuitBreakerSender implements Sender {
  readonly #next: Sender;
  readonly #clock: Clock;
  readonly #breakers = new LRUCache<string, CircuitBreaker>({ max: MAX_HOSTS });

  constructor(next: Sender, clock: Clock) {
    this.#next = next;
    this.#clock = clock;
  }

  /** Returns the number of hosts whose breaker is open, for each entry of the registries file, and for all other hosts. */
  countOpen(registries: Registries): ReadonlyMap<string, number> {
    const open = new Map([OTHER_HOST, ...registries.hosts].map((host) => [host, 0]));
    for (const [host, breaker] of this.#breakers.entries()) {
      const label = registries.labelFor(host);
      if (!breaker.isClosed) open.set(label, (open.get(label) ?? 0) + 1);
    }
    return open;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const endpointHost = normalizeHost(context.attempt.endpoint.host);
    const breaker = this.#breakerFor(endpointHost);
    const startMs = this.#clock.monotonic();
    const admission = breaker.tryAcquire(startMs);
    if (admission.kind !== 'allowed') return this.#reject(breaker, startMs, admission.retryAtMs);
    const response = await this.#next.send(request, context);
    const endMs = this.#clock.monotonic();
    const isEndpoint = normalizeHost(request.host) === endpointHost;
    const isSilent = isSilence(response, endMs - startMs);
    const evidence = isSilent ? 'failure' : toEvidence(response, isEndpoint);
    if (evidence === 'failure') breaker.recordFailure(endMs, admission);
    else if (evidence === 'success') breaker.recordSuccess();
    else breaker.release(admission);
    return isSilent ? { ...response, cause: { kind: 'timeout' } } : response;
  }

  #reject(breaker: CircuitBreaker, nowMs: number, retryAtMs: number): FetchFailure {
    const isOutage = breaker.failingForMs(nowMs) >= OUTAGE_MS;
    const untilMs = this.#clock.now() + retryAtMs - nowMs;
    return failedBecause({ kind: 'circuit-breaker' }, isOutage ? 'BreakerOpen' : 'Unavailable', untilMs);
  }

  #breakerFor(host: string): CircuitBreaker {
    const existing = this.#breakers.get(host);
    if (existing !== undefined) return existing;
    const breaker = new CircuitBreaker(BREAKER);
    this.#breakers.set(host, breaker);
    return breaker;
  }
}

/** Whether the host did not respond for a time that counts as a failure. */
function isSilence(response: HttpResponse | FetchFailure, tookMs: number): response is FetchFailure {
  return (
    response.kind === 'failed' && response.reason === 'Deadline' && tookMs >= SILENT_MS && response.isOwnDelay !== true
  );
}

/**
 * Returns what a response shows about the endpoint's host. A successful request to another host (the target of a
 * redirect, or a token service) shows nothing about the endpoint's host. A failure of such a request counts as a
 * failure of the endpoint's host.
 */
function toEvidence(response: HttpResponse | FetchFailure, isEndpoint: boolean): Evidence {
  if (response.kind === 'failed') return response.reason === 'Unavailable' ? 'failure' : 'none';
  if (response.status >= 500) return 'failure';
  return isEndpoint ? 'success' : 'none';
}
