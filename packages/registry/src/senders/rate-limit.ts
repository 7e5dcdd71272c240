import type { Clock } from '@archpolicy/async';
import { ANONYMOUS_SCOPE } from '../auth/auth-attempt.ts';
import type { CacheKeys } from '../cache/cache-keys.ts';
import type { Bucket, Reservation, SharedStore } from '../cache/shared-store.ts';
import { limitsFor } from '../config/host-settings.ts';
import type { HostLimits } from '../config/host-settings.ts';
import { failedBecause } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { pauseFromHeaders } from '../http/rate-limit-headers.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import { RateLimitBlocks } from '../limits/rate-limit-blocks.ts';
import { rateLimitedKey, toRateLimited } from '../limits/rate-limited.ts';
import type { RateLimited } from '../limits/rate-limited.ts';
import { LocalBuckets } from '../limits/reserve-locally.ts';
import type { RequestContext } from './request-context.ts';
import type { HttpRequest, HttpResponse, Sender } from './sender.ts';

interface LimitParts {
  readonly store: SharedStore;
  readonly keys: CacheKeys;
  readonly clock: Clock;
}

/** The limits of one request. */
interface RequestLimits {
  /** The limits of the host in the registries file. */
  readonly configured: HostLimits;
  /** The requests that share the limits that the host reports. */
  readonly reported: RateLimited;
  /** Which clusters share the reported limits. */
  readonly sharing: HostLimits['sharing'];
}

/**
 * Maximum wait of a request. A request that would have to wait longer is rejected with the time to retry, because no
 * pod waits that long.
 */
const MAX_WAIT_MS = 2_000;
const UNLIMITED = { perSecond: 0, burst: 0 };
/** In the shared store, a block is a bucket without a rate. */
const BLOCK_ONLY: Bucket = { ...UNLIMITED, maxWaitMs: MAX_WAIT_MS };
const NOTHING: Reservation = { waitMs: 0, blockedMs: 0 };

/**
 * Respects the rate limits of hosts (K5): the configured limits, for all requests to a host, and the limits that hosts
 * report in 429 responses and rate-limit headers, for the credential that got them. Replicas that share a store respect
 * them together.
 */
export class RateLimitSender implements Sender {
  readonly #next: Sender;
  readonly #parts: LimitParts;
  readonly #buckets = new LocalBuckets();
  readonly #blocks = new RateLimitBlocks();

  constructor(next: Sender, parts: LimitParts) {
    this.#next = next;
    this.#parts = parts;
  }

  async send(request: HttpRequest, context: RequestContext): Promise<HttpResponse | FetchFailure> {
    const limits = requestLimits(request, context);
    const rejection = await this.#admit(limits, context.signal);
    if (rejection !== undefined) return rejection;
    const response = await this.#next.send(request, context);
    if (response.kind === 'response') this.#observe(limits, response, usesCredential(request, context));
    return response;
  }

  /** Waits until the request may be sent. Returns the failure if it may not. */
  async #admit(limits: RequestLimits, signal: AbortSignal): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const remainingMs = this.#blocks.remainingMs(limits.reported, now);
    if (remainingMs > 0) return this.#reject('rate-limited', remainingMs);
    const [{ waitMs, blockedMs }, blockedForScopeMs] = await Promise.all([
      this.#reserve(limits.configured),
      this.#loadBlocks(limits),
    ]);
    if (blockedMs > 0) this.#blocks.blockAll(limits.reported.target, now + blockedMs);
    const blockMs = Math.max(blockedMs, blockedForScopeMs);
    if (blockMs > 0) return this.#reject('rate-limited', blockMs);
    if (waitMs > MAX_WAIT_MS) return this.#reject('request-limit', waitMs);
    if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
    return undefined;
  }

  async #reserve({ host, sharing, requestLimit = UNLIMITED }: HostLimits): Promise<Reservation> {
    const bucket: Bucket = { ...requestLimit, maxWaitMs: MAX_WAIT_MS };
    const shared = await this.#reserveShared(host, sharing, bucket);
    if (shared !== undefined) return shared;
    if (requestLimit.perSecond === 0) return NOTHING;
    return { waitMs: this.#buckets.reserve(host, bucket, this.#parts.clock.monotonic()), blockedMs: 0 };
  }

  /** Loads the blocks of the credential and of all credentials that other replicas have stored. Returns the longest. */
  async #loadBlocks({ configured, reported, sharing }: RequestLimits): Promise<number> {
    const { target, scope } = reported;
    const [own, all] = await Promise.all([
      this.#reserveShared(rateLimitedKey(reported), sharing, BLOCK_ONLY),
      // The bucket of a host holds the block for requests that no other host led to.
      target === configured.host ? undefined : this.#reserveShared(target, sharing, BLOCK_ONLY),
    ]);
    const nowMs = this.#parts.clock.monotonic();
    const ownMs = own?.blockedMs ?? 0;
    const allMs = all?.blockedMs ?? 0;
    if (ownMs > 0) this.#blocks.block({ target, scope }, { nowMs, blockMs: ownMs, isRejection: false });
    if (allMs > 0) this.#blocks.blockAll(target, nowMs + allMs);
    return Math.max(ownMs, allMs);
  }

  async #reserveShared(
    subject: string,
    sharing: HostLimits['sharing'],
    bucket: Bucket,
  ): Promise<Reservation | undefined> {
    const { store, keys } = this.#parts;
    const key = keys.cacheKey('limit', subject, sharing);
    return key === undefined ? undefined : store.reserve(key, bucket);
  }

  /** Blocks the credential for the time that the response states. */
  #observe({ reported, sharing }: RequestLimits, { status, headers }: HttpResponse, isCredentialUsed: boolean): void {
    const { clock } = this.#parts;
    const epochMs = clock.now();
    const isRejection = status === 429;
    const retryMs = isRejection ? parseRetryAfter(headers['retry-after'], epochMs) - epochMs : 0;
    const blockMs = Math.max(retryMs, pauseFromHeaders(headers));
    const nowMs = clock.monotonic();
    if (status === 200) this.#blocks.recordSuccess(reported, { nowMs, isAccepted: isCredentialUsed });
    if (blockMs <= 0) return;
    const allMs = this.#blocks.block(reported, { nowMs, blockMs, isRejection });
    this.#blockShared(rateLimitedKey(reported), sharing, blockMs);
    if (allMs > 0) this.#blockShared(reported.target, sharing, allMs);
  }

  #blockShared(subject: string, sharing: HostLimits['sharing'], blockMs: number): void {
    const { store, keys } = this.#parts;
    const key = keys.cacheKey('limit', subject, sharing);
    if (key !== undefined) store.block(key, blockMs);
  }

  #reject(kind: 'rate-limited' | 'request-limit', waitMs: number): FetchFailure {
    return failedBecause({ kind }, 'RateLimited', this.#parts.clock.now() + waitMs);
  }
}

function requestLimits({ host }: HttpRequest, { registries, attempt }: RequestContext): RequestLimits {
  const { endpoint, scope } = attempt;
  const configured = limitsFor(host, registries);
  const reported = toRateLimited({ host, endpointHost: endpoint.host, scope });
  const isLedTo = reported.target !== configured.host;
  const isOfThisCluster = isLedTo && registries.sharingOf(endpoint.host) === 'this-cluster';
  return { configured, reported, sharing: isOfThisCluster ? 'this-cluster' : configured.sharing };
}

/**
 * Whether the request contains the credential of the attempt, or a token that was issued for it. Only then does a success show
 * that the server accepts it, because public images are returned to requests without it.
 */
function usesCredential({ headers, body }: HttpRequest, { attempt }: RequestContext): boolean {
  return attempt.scope === ANONYMOUS_SCOPE || headers['authorization'] !== undefined || body !== undefined;
}
