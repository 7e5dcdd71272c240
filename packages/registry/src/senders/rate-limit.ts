import { TokenBucket } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { CacheKeys } from '../cache/cache-keys.ts';
import type { Bucket, Reservation, SharedStore } from '../cache/shared-store.ts';
import { limitsFor } from '../config/host-settings.ts';
import type { HostLimits } from '../config/host-settings.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { pauseFromHeaders } from '../http/rate-limit-headers.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import { reserveLocally } from '../limits/reserve-locally.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

interface LimitParts {
  readonly store: SharedStore;
  readonly keys: CacheKeys;
  readonly clock: Clock;
}

interface HostState {
  bucket: TokenBucket | undefined;
  /**
   * No request is sent before this time (monotonic milliseconds), because the host returned 429 or its quota is used
   * up.
   */
  blockedUntilMs: number;
}

/** Maximum number of hosts whose state is in memory, because tenants choose hosts. */
const MAX_HOSTS = 1_000;
/**
 * Maximum wait of a request. A request that would have to wait longer is rejected with the time to retry, because no
 * pod waits that long.
 */
const MAX_WAIT_MS = 2_000;
const UNLIMITED = { perSecond: 0, burst: 0 };

/**
 * Respects the rate limits of hosts (K5): the limits in the registries file, and the limits that hosts send in 429
 * responses and rate-limit headers. Replicas that share a store respect them together.
 */
export class RateLimitSender implements Sender {
  readonly #next: Sender;
  readonly #parts: LimitParts;
  readonly #hosts = new LRUCache<string, HostState>({ max: MAX_HOSTS });

  constructor(next: Sender, parts: LimitParts) {
    this.#next = next;
    this.#parts = parts;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const limits = limitsFor(request.host, context.registries);
    const state = this.#stateFor(limits.host);
    const rejection = await this.#admit(limits, state, context.signal);
    if (rejection !== undefined) return rejection;
    const response = await this.#next.send(request, context);
    if (response.kind === 'response') this.#observe(limits, state, response);
    return response;
  }

  /** Waits until the request may be sent. Returns the failure if it may not. */
  async #admit(limits: HostLimits, state: HostState, signal: AbortSignal): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    if (now < state.blockedUntilMs) return this.#reject(state.blockedUntilMs - now);
    const { waitMs, blockedMs } = await this.#reserve(limits, state);
    if (blockedMs > 0) {
      state.blockedUntilMs = now + blockedMs;
      return this.#reject(blockedMs);
    }
    if (waitMs > MAX_WAIT_MS) return this.#reject(waitMs);
    if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
    return undefined;
  }

  async #reserve({ host, sharing, requestLimit = UNLIMITED }: HostLimits, state: HostState): Promise<Reservation> {
    const { store, keys, clock } = this.#parts;
    const bucket: Bucket = { ...requestLimit, maxWaitMs: MAX_WAIT_MS };
    const key = keys.cacheKey('limit', host, sharing);
    const shared = key === undefined ? undefined : await store.reserve(key, bucket);
    if (shared !== undefined) return shared;
    if (requestLimit.perSecond === 0) return { waitMs: 0, blockedMs: 0 };
    const now = clock.monotonic();
    state.bucket ??= new TokenBucket(requestLimit.burst, now);
    return { waitMs: reserveLocally(state.bucket, bucket, now), blockedMs: 0 };
  }

  /** Blocks the host for the time that its response states. */
  #observe({ host, sharing }: HostLimits, state: HostState, { status, headers }: HttpResponse): void {
    const { clock, store, keys } = this.#parts;
    const nowMs = clock.now();
    const retryMs = status === 429 ? parseRetryAfter(headers['retry-after'], nowMs) - nowMs : 0;
    const blockMs = Math.max(retryMs, pauseFromHeaders(headers));
    if (blockMs <= 0) return;
    state.blockedUntilMs = Math.max(state.blockedUntilMs, clock.monotonic() + blockMs);
    const key = keys.cacheKey('limit', host, sharing);
    if (key !== undefined) store.block(key, blockMs);
  }

  #reject(waitMs: number): FetchFailure {
    return failed('RateLimited', this.#parts.clock.now() + waitMs);
  }

  #stateFor(host: string): HostState {
    const existing = this.#hosts.get(host);
    if (existing !== undefined) return existing;
    const state: HostState = { bucket: undefined, blockedUntilMs: 0 };
    this.#hosts.set(host, state);
    return state;
  }
}
