import { LRUCache } from 'lru-cache';
import type { Bucket, Place, SharedStore } from '../cache/shared-store.ts';
import type { Sealer } from '../cache/seal.ts';
import type { RequestLimit } from '../config/schema.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { retryAt } from '../http/retry-after.ts';
import type { HttpRequest, HttpResponse, Sender } from '../http/transport.ts';
import type { Clock } from '../ports.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { pauseByQuota } from './quota.ts';
import { TokenBucket } from './token-bucket.ts';

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
    { target, turn, signal }: HttpRequest,
    state: HostState,
    breaker: CircuitBreaker,
  ): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const refusal = await turn?.pass(target, signal);
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
    // The breaker comes last: who passes it sends a request, and tells it what came of it.
    const passage = breaker.enter(clock.monotonic());
    if (passage.kind === 'pass') return undefined;
    return this.#until(passage.isOutage ? 'BreakerOpen' : 'Unavailable', passage.untilMs - clock.monotonic());
  }

  async #takePlace(host: string, limit: RequestLimit, state: HostState): Promise<Place> {
    const { store, sealer, clock } = this.#parts;
    const bucket: Bucket = { ...limit, maxWaitMs: MAX_WAIT_MS };
    const shared = await store.takePlace(sealer.name('limit', host), bucket);
    if (shared !== undefined) return shared;
    if (limit.perSecond === 0) return { waitMs: 0, blockedMs: 0 };
    const now = clock.monotonic();
    state.bucket ??= new TokenBucket(limit.burst, now);
    return { waitMs: state.bucket.take(bucket, now), blockedMs: 0 };
  }

  #observe(host: string, state: HostState, response: HttpResponse | FetchFailure): void {
    if (response.kind === 'failed') return;
    const nowMs = this.#parts.clock.now();
    const told = response.status === 429 ? retryAt(response.headers['retry-after'], nowMs) - nowMs : 0;
    this.#block(host, state, Math.max(told, pauseByQuota(response.headers)));
  }

  #judge(breaker: CircuitBreaker, verdict: Verdict): void {
    if (verdict === 'failed') breaker.failed(this.#parts.clock.monotonic());
    else if (verdict === 'succeeded') breaker.succeeded();
    else breaker.abandoned();
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
    const state: HostState = { breaker: new CircuitBreaker(), bucket: undefined, blockedUntilMs: 0 };
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
