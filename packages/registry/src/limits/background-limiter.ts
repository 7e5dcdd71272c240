import { PriorityWaitlist } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { CacheKeys } from '../cache/cache-keys.ts';
import type { Bucket, SharedStore } from '../cache/shared-store.ts';
import type { HostLimits } from '../config/host-settings.ts';
import type { RequestLimit } from '../config/schema.ts';
import { failed } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { LocalBuckets } from './reserve-locally.ts';

/**
 * Maximum requests per second to a host. This is the default rate of one kubelet (`registryPullQPS`), so background
 * inspections load a registry no more than one node does.
 */
const PER_SECOND = 5;
/**
 * The share of a configured request limit that background inspections may use. The rest is for the admission of pods.
 */
const SHARE = 0.5;
/** Maximum wait for a permit. It is less than the 15 s of an inspection, so that time remains for the requests. */
const MAX_WAIT_MS = 10_000;
const MS_PER_SECOND = 1_000;
const PRIORITIES = ['follow-up', 'new'] as const;

type Priority = (typeof PRIORITIES)[number];

interface LimiterParts {
  readonly store: SharedStore;
  readonly keys: CacheKeys;
  readonly clock: Clock;
}

export interface PermitRequest {
  readonly limits: HostLimits;
  /** `follow-up` requests belong to a running inspection; they get permits before `new` inspections. */
  readonly priority: Priority;
  readonly signal: AbortSignal;
}

/**
 * Rate-limits the requests of background inspections (recheck, keep-warm) per host, across the replicas that share a
 * store. The limit is needed because an operator that starts inspects every image of the cluster, and must neither
 * overload a registry nor delay pods.
 */
export class BackgroundLimiter {
  readonly #parts: LimiterParts;
  readonly #buckets = new LocalBuckets();
  readonly #waitlists = new Map<string, PriorityWaitlist<Priority>>();

  constructor(parts: LimiterParts) {
    this.#parts = parts;
  }

  /** Waits for a permit, then returns undefined. Returns a failure if the request would wait too long. */
  async acquire({ limits, priority, signal }: PermitRequest): Promise<FetchFailure | undefined> {
    const { clock } = this.#parts;
    const bucket = bucketFor(limits.requestLimit);
    const waitlist = this.#waitlistFor(limits, bucket);
    const waitMs = priority === 'new' ? (waitlist.size * MS_PER_SECOND) / bucket.perSecond : 0;
    if (waitMs > MAX_WAIT_MS) return failed('RateLimited', clock.now() + waitMs);
    const outcome = await waitlist.acquire(priority, signal);
    if (waitlist.size === 0) this.#waitlists.delete(limits.host);
    if (outcome.kind === 'aborted') return failed('Deadline');
    return outcome.kind === 'rejected' ? failed('RateLimited', clock.now() + outcome.waitMs) : undefined;
  }

  #waitlistFor(limits: HostLimits, bucket: Bucket): PriorityWaitlist<Priority> {
    const { host } = limits;
    const existing = this.#waitlists.get(host);
    if (existing !== undefined) return existing;
    const waitlist = new PriorityWaitlist({
      clock: this.#parts.clock,
      priorities: PRIORITIES,
      reserve: () => this.#reserve(limits, bucket),
      maxWaitMs: MAX_WAIT_MS,
    });
    this.#waitlists.set(host, waitlist);
    return waitlist;
  }

  async #reserve({ host, sharing }: HostLimits, bucket: Bucket): Promise<number> {
    const { store, keys, clock } = this.#parts;
    const key = keys.cacheKey('limit', `background ${host}`, sharing);
    const shared = key === undefined ? undefined : await store.reserve(key, bucket);
    return shared?.waitMs ?? this.#buckets.reserve(host, bucket, clock.monotonic());
  }
}

/** Returns the bucket of a host. The burst of 1 spaces the requests evenly. */
function bucketFor(limit: RequestLimit | undefined): Bucket {
  const perSecond = Math.min(PER_SECOND, (limit?.perSecond ?? Number.POSITIVE_INFINITY) * SHARE);
  return { perSecond, burst: 1, maxWaitMs: MAX_WAIT_MS };
}
