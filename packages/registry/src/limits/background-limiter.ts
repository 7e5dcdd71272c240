import { PriorityWaitlist, TokenBucket } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { Sealer } from '../cache/seal.ts';
import type { Bucket, SharedStore } from '../cache/shared-store.ts';
import type { Registries } from '../config/registries.ts';
import type { RequestLimit } from '../config/schema.ts';
import { targetFor } from '../config/endpoint.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { RequestPermit } from './request-permit.ts';
import type { Target } from '../config/connection-settings.ts';
import { reserveLocally } from './reserve-locally.ts';

/** What one node's kubelet may pull by default (`registryPullQPS`): a recheck of everything is no more than one node. */
const PER_SECOND = 5;
/** Beside a configured limit, at most this part of it: pods that are being created have the rest. */
const SHARE = 0.5;
/** Leaves an inspection, which may take 15 s in all, time for its requests. */
const MAX_WAIT_MS = 10_000;
/** Tenants choose hosts. */
const MAX_HOSTS = 1_000;
const MS_PER_SECOND = 1_000;
const PRIORITIES = ['follow-up', 'new'] as const;

type Priority = (typeof PRIORITIES)[number];

interface LimiterParts {
  readonly store: SharedStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

export interface PermitRequest {
  readonly host: string;
  readonly limit: RequestLimit | undefined;
  /** `follow-up` requests continue an inspection, whose end others may wait for; they run before `new` inspections. */
  readonly priority: Priority;
  readonly signal: AbortSignal;
}

/**
 * Rate-limits the requests of background inspections (recheck, keep-warm) per host, across the replicas that share a
 * store: a start of the operator inspects every image of the cluster, and must neither overload a registry nor delay pods.
 */
export class BackgroundLimiter {
  readonly #parts: LimiterParts;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_HOSTS });
  readonly #waitlists = new Map<string, PriorityWaitlist<Priority>>();

  constructor(parts: LimiterParts) {
    this.#parts = parts;
  }

  /** Waits for a permit; returns undefined when it is valid, or the failure of a request that would wait too long. */
  async acquire({ host, limit, priority, signal }: PermitRequest): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const bucket = bucketFor(limit);
    const waitlist = this.#waitlistOf(host, bucket);
    const waitMs = priority === 'new' ? (waitlist.size * MS_PER_SECOND) / bucket.perSecond : 0;
    if (waitMs > MAX_WAIT_MS) return failed('RateLimited', clock.now() + waitMs);
    const outcome = await waitlist.acquire(priority, signal);
    if (waitlist.size === 0) this.#waitlists.delete(host);
    if (outcome.kind === 'aborted') return failed('Deadline');
    return outcome.kind === 'rejected' ? failed('RateLimited', clock.now() + outcome.waitMs) : undefined;
  }

  #waitlistOf(host: string, bucket: Bucket): PriorityWaitlist<Priority> {
    const known = this.#waitlists.get(host);
    if (known !== undefined) return known;
    const waitlist = new PriorityWaitlist({
      clock: this.#parts.clock,
      priorities: PRIORITIES,
      reserve: () => this.#reserve(host, bucket),
      maxWaitMs: MAX_WAIT_MS,
    });
    this.#waitlists.set(host, waitlist);
    return waitlist;
  }

  async #reserve(host: string, bucket: Bucket): Promise<number> {
    const { store, sealer, clock } = this.#parts;
    const shared = await store.takePlace(sealer.name('limit', `background ${host}`), bucket);
    if (shared !== undefined) return shared.waitMs;
    const now = clock.monotonic();
    const known = this.#buckets.get(host) ?? new TokenBucket(bucket.burst, now);
    this.#buckets.set(host, known);
    return reserveLocally(known, bucket, now);
  }
}

/** The permits of one background inspection: one before it begins, then one for each further request. */
export class BackgroundPermit implements RequestPermit {
  readonly #limiter: BackgroundLimiter;
  readonly #registries: Registries;
  readonly #promotion = new AbortController();
  #isPending = true;
  /** The host of the first request, which the first permit covers. */
  #firstHost: string | undefined;

  constructor(limiter: BackgroundLimiter, registries: Registries) {
    this.#limiter = limiter;
    this.#registries = registries;
  }

  /** Whether the first permit is still to be acquired. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Waits for the first permit, which covers one request to the host; returns undefined when it is valid. */
  async acquireFirst(endpointHost: string, signal: AbortSignal): Promise<FetchFailure | undefined> {
    this.#isPending = false;
    const { host, requestLimit } = targetFor(endpointHost, this.#registries);
    this.#firstHost = host;
    return this.#limiter.acquire({ host, limit: requestLimit, priority: 'new', signal });
  }

  async acquire({ host, requestLimit }: Target, signal: AbortSignal): Promise<FetchFailure | undefined> {
    const isCovered = this.#firstHost === host;
    this.#firstHost = undefined;
    if (isCovered || this.#isPromoted()) return undefined;
    const either = AbortSignal.any([signal, this.#promotion.signal]);
    const request = { host, limit: requestLimit, priority: 'follow-up', signal: either } as const;
    const refusal = await this.#limiter.acquire(request);
    return this.#isPromoted() ? undefined : refusal;
  }

  /** A pod waits for the inspection: its requests need no further permits. */
  promote(): void {
    this.#promotion.abort();
  }

  #isPromoted(): boolean {
    return this.#promotion.signal.aborted;
  }
}

/** Never two at once. */
function bucketFor(limit: RequestLimit | undefined): Bucket {
  const perSecond = Math.min(PER_SECOND, (limit?.perSecond ?? Number.POSITIVE_INFINITY) * SHARE);
  return { perSecond, burst: 1, maxWaitMs: MAX_WAIT_MS };
}
