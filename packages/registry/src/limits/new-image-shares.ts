import { TokenBucket } from '@archpolicy/async';
import type { Clock, TokenBucketRate } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

const PER_MINUTE = 1 / 60;
/**
 * How many new images of a namespace are inspected like any other. The burst is less than half of the smallest quota in
 * use: Docker Hub allows 100 requests in six hours without an account.
 */
const CREATION: TokenBucketRate = { perSecond: 60 * PER_MINUTE, burst: 40 };
/** How many new images of dry runs are inspected, for a namespace and for all. Dry runs cost their sender nothing. */
const DRY_RUN: TokenBucketRate = { perSecond: 10 * PER_MINUTE, burst: 20 };
const ALL_DRY_RUNS: TokenBucketRate = { perSecond: 60 * PER_MINUTE, burst: 60 };
/** Maximum number of namespaces in memory. */
const MAX_TENANTS = 10_000;

/** Counts the new images of each namespace: those of which nothing is cached, so that each costs a registry a GET. */
export class NewImageShares {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** By namespace. */
  readonly #creations: LRUCache<string, TokenBucket>;
  readonly #dryRuns: LRUCache<string, TokenBucket>;
  readonly #allDryRuns: TokenBucket;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    const createBuckets = ({ burst }: TokenBucketRate): LRUCache<string, TokenBucket> =>
      new LRUCache({ max: MAX_TENANTS, memoMethod: () => new TokenBucket(burst, clock.monotonic()) });
    this.#creations = createBuckets(CREATION);
    this.#dryRuns = createBuckets(DRY_RUN);
    this.#allDryRuns = new TokenBucket(ALL_DRY_RUNS.burst, clock.monotonic());
  }

  /** Counts a new image of a pod. Returns whether the namespace is within its rate. */
  take(tenant: string): boolean {
    return this.#take(this.#creations.memo(tenant), CREATION);
  }

  /** Counts a new image of a dry run. Returns whether the namespace, and all dry runs together, are within their rates. */
  takeForDryRun(tenant: string): boolean {
    return this.#take(this.#dryRuns.memo(tenant), DRY_RUN) && this.#take(this.#allDryRuns, ALL_DRY_RUNS);
  }

  #take(bucket: TokenBucket, rate: TokenBucketRate): boolean {
    return bucket.tryTake(rate, this.#clock.monotonic());
  }
}
