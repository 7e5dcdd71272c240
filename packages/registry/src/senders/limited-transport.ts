import { CircuitBreaker, TokenBucket } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { Bucket, Place, SharedStore } from '../cache/shared-store.ts';
import type { Sealer } from '../cache/seal.ts';
import type { RequestLimit } from '../config/schema.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { retryAt } from '../http/retry-after.ts';
import type { HttpRequest, HttpResponse, Sender } from './transport.ts';
import { pauseByQuota } from '../http/rate-limit-headers.ts';
import { reserveLocally } from '../limits/reserve-locally.ts';

interface LimitParts {
  readonly transport: Sender;
  readonly store: SharedStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/** What a request says of the host that was asked first. */
type Verdict = 'succeeded' | 'failed' | 'nothing';

interface HostState {
  readonly breaker: CircuitBreaker;
  bucket: TokenBucket | undefined;
  /** No request before (monotonic milliseconds): a 429, or a quota that is used up. */
  blockedUntilMs: number;
}

/** Tenants choose hosts: those that nobody asked for the longest are forgotten. */
const MAX_HOSTS = 1_000;
/** Waiting longer than this for one's turn helps no pod: it is told when to come back. */
const MAX_WAIT_MS = 2_000;
/** A request that ended from our side before this says nothing of its host: others may have used up the time. */
const SILENT_MS = 3_000;
/**
 * One failure may be an accident, five in a row are none. A registry that comes back is noticed within 30 s, and asked no
 * more than twice a minute until then.
 */
const BREAKER = { failureThreshold: 5, firstOpenMs: 1_000, maxOpenMs: 30_000 };
/**
 * Failures that last longer are an outage: reported as such, and no pod waits for its end. Until then, half of the default
 * `gateTimeout`, waiting may help, however many requests failed meanwhile.
 */
const OUTAGE_MS = 30_000;
const UNLIMITED: RequestLimit = { perSecond: 0, burst: 0 };

/**
 * Keeps to the limits of registries (K5): those of the registries file, and those that they tell themselves. With a
 * shared store all replicas keep to them together. Whether a host can be reached is each replica's own finding (0055).
 */
export class LimitedTransport implements Sender {
  readonly #parts: LimitParts;
  readonly #hosts = new LRUCache<string, HostState>({ max: MAX_HOSTS });

  constructor(parts: LimitParts) {
    this.#parts = parts;
  }

  async send(request: HttpRequest): Promise<HttpResponse | FetchFailure> {
    const { host } = request.target;
    const { sentBy = host } = request;
    const state = this.#stateOf(host);
    // Whoever names a redirect or a realm chooses a host: that must not close the way of those who ask that host.
    const { breaker } = this.#stateOf(sentBy);
    const refusal = await this.#admit(request, state, breaker);
    if (refusal !== undefined) return refusal;
    const startMs = this.#parts.clock.monotonic();
    const response = await this.#parts.transport.send(request);
    this.#judge(breaker, verdictOn(response, this.#parts.clock.monotonic() - startMs, sentBy === host));
    this.#observe(host, state, response);
    return response;
  }

  async #admit(
    { target, permit, signal }: HttpRequest,
    state: HostState,
    breaker: CircuitBreaker,
  ): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const refusal = await permit?.acquire(target, signal);
    if (refusal !== undefined) return refusal;
    const now = clock.monotonic();
    if (now < state.blockedUntilMs) return this.#until('RateLimited', state.blockedUntilMs - now);
    const place = await this.#takePlace(target.host, target.requestLimit ?? UNLIMITED, state);
    if (place.blockedMs > 0) {
      state.blockedUntilMs = now + place.blockedMs;
      return this.#until('RateLimited', place.blockedMs);
    }
    if (place.waitMs > MAX_WAIT_MS) return this.#until('RateLimited', place.waitMs);
    if (place.waitMs > 0) await clock.sleep(place.waitMs, signal).catch(() => undefined);
    // The breaker comes last: an allowed request is sent, and its outcome recorded.
    const enteredAtMs = clock.monotonic();
    const admission = breaker.tryAcquire(enteredAtMs);
    if (admission.kind === 'allowed') return undefined;
    const isOutage = breaker.failingForMs(enteredAtMs) >= OUTAGE_MS;
    return this.#until(isOutage ? 'BreakerOpen' : 'Unavailable', admission.retryAtMs - enteredAtMs);
  }

  async #takePlace(host: string, limit: RequestLimit, state: HostState): Promise<Place> {
    const { store, sealer, clock } = this.#parts;
    const bucket: Bucket = { ...limit, maxWaitMs: MAX_WAIT_MS };
    const shared = await store.takePlace(sealer.name('limit', host), bucket);
    if (shared !== undefined) return shared;
    if (limit.perSecond === 0) return { waitMs: 0, blockedMs: 0 };
    const now = clock.monotonic();
    state.bucket ??= new TokenBucket(limit.burst, now);
    return { waitMs: reserveLocally(state.bucket, bucket, now), blockedMs: 0 };
  }

  #observe(host: string, state: HostState, response: HttpResponse | FetchFailure): void {
    if (response.kind === 'failed') return;
    const nowMs = this.#parts.clock.now();
    const told = response.status === 429 ? retryAt(response.headers['retry-after'], nowMs) - nowMs : 0;
    this.#block(host, state, Math.max(told, pauseByQuota(response.headers)));
  }

  #judge(breaker: CircuitBreaker, verdict: Verdict): void {
    if (verdict === 'failed') breaker.recordFailure(this.#parts.clock.monotonic());
    else if (verdict === 'succeeded') breaker.recordSuccess();
    else breaker.release();
  }

  #block(host: string, state: HostState, forMs: number): void {
    if (forMs <= 0) return;
    const { clock, store, sealer } = this.#parts;
    state.blockedUntilMs = Math.max(state.blockedUntilMs, clock.monotonic() + forMs);
    store.block(sealer.name('limit', host), forMs);
  }

  #until(reason: 'RateLimited' | 'Unavailable' | 'BreakerOpen', waitMs: number): FetchFailure {
    return failed(reason, this.#parts.clock.now() + waitMs);
  }

  #stateOf(host: string): HostState {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const state: HostState = { breaker: new CircuitBreaker(BREAKER), bucket: undefined, blockedUntilMs: 0 };
    this.#hosts.set(host, state);
    return state;
  }
}

/** A token or a redirect that works says nothing of the host that named it; one that fails makes it of no use. */
function verdictOn(response: HttpResponse | FetchFailure, tookMs: number, isFirstHost: boolean): Verdict {
  if (response.kind === 'failed') {
    const isSilence = response.reason === 'Deadline' && tookMs >= SILENT_MS;
    return response.reason === 'Unavailable' || isSilence ? 'failed' : 'nothing';
  }
  if (response.status >= 500) return 'failed';
  return isFirstHost ? 'succeeded' : 'nothing';
}
