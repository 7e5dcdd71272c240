import type { TokenBucket } from '@archpolicy/async';
import type { Bucket } from '../cache/shared-store.ts';

/**
 * Reserves in a bucket of this process, which is used while no store answers. Returns whole milliseconds, as the script of
 * the shared bucket does; more than `maxWaitMs` means that nothing was reserved.
 */
export function reserveLocally(bucket: TokenBucket, limit: Bucket, nowMs: number): number {
  return Math.ceil(bucket.reserve(limit, nowMs, limit.maxWaitMs));
}
