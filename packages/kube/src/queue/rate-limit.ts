import { TokenBucket } from '@archpolicy/async';
import type { Clock, TokenBucketRate } from '@archpolicy/async';

/** client-go's defaults for controllers. */
export const QUEUE_RATE_LIMIT: RateLimitTiming = { firstMs: 5, maxMs: 1_000_000, perSecond: 10, burst: 100 };

export interface RateLimitTiming extends TokenBucketRate {
  /** Delay after an item's first failure. Each further failure doubles the delay. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Computes the delay of a failed item: the item's exponential back-off or the wait for the queue's token bucket, whichever is longer. */
export class RateLimit<K> {
  readonly #timing: RateLimitTiming;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #bucket: TokenBucket;
  readonly #failures = new Map<K, number>();

  constructor(timing: RateLimitTiming, clock: Pick<Clock, 'monotonic'>) {
    this.#timing = timing;
    this.#clock = clock;
    this.#bucket = new TokenBucket(timing.burst, clock.monotonic());
  }

  /** Records a failure of the item. Returns its delay in milliseconds. */
  nextDelayMs(key: K): number {
    const failures = this.countFailures(key);
    this.#failures.set(key, failures + 1);
    const own = Math.min(this.#timing.firstMs * 2 ** failures, this.#timing.maxMs);
    return Math.max(own, this.#bucket.reserve(this.#timing, this.#clock.monotonic()));
  }

  /** Resets the item's failures. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  countFailures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }
}
