import { TokenBucket } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';
import type { Bucket } from '../cache/shared-store.ts';

/** Maximum number of hosts with a bucket in memory, because tenants choose hosts. */
const MAX_HOSTS = 1_000;

/**
 * Reserves a token in a bucket of this process, for use while the store does not answer. Returns the wait in whole
 * milliseconds, as the script of the shared bucket does. If the wait is longer than `maxWaitMs`, nothing was reserved.
 */
export function reserveLocally(bucket: TokenBucket, limit: Bucket, nowMs: number): number {
  return Math.ceil(bucket.reserve(limit, nowMs, limit.maxWaitMs));
}

/** The buckets of hosts in this process. */
export class LocalBuckets {
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_HOSTS });

  /** Reserves a token of the host, as `reserveLocally` does. */
  reserve(host: string, limit: Bucket, nowMs: number): number {
    const bucket = this.#buckets.get(host) ?? new TokenBucket(limit.burst, nowMs);
    this.#buckets.set(host, bucket);
    return reserveLocally(bucket, limit, nowMs);
  }
}
