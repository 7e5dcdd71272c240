import type { TokenBucket } from '@archpolicy/async';
import type { Bucket } from '../cache/shared-store.ts';

/**
 * Reserves a token in a bucket of this process, for use while the store does not answer. Returns the wait in whole
 * milliseconds, as the script of the shared bucket does. If the wait is longer than `maxWaitMs`, nothing was reserved.
 */
export function reserveLocally(bucket: TokenBucket, limit: Bucket, nowMs: number): number {
  return Math.ceil(bucket.reserve(limit, nowMs, limit.maxWaitMs));
}
