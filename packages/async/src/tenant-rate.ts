import { TokenBucket } from './token-bucket.ts';
import type { TokenBucketRate } from './token-bucket.ts';

export interface TenantRateOptions {
  /** The rate of all tenants together. */
  readonly total: TokenBucketRate;
  /** The rate of one tenant. */
  readonly perTenant: TokenBucketRate;
  /** Maximum number of tenants in memory. Another tenant replaces the one that took a token the longest time ago. */
  readonly maxTenants: number;
}

/**
 * A rate of which each tenant has a share, such as the lines of a log: one tenant cannot use up the rate of the others. It
 * has no clock: callers pass the time in monotonic milliseconds.
 */
export class TenantRate {
  readonly #options: TenantRateOptions;
  readonly #total: TokenBucket;
  /** In the order of use. */
  readonly #tenants = new Map<string, TokenBucket>();

  constructor(options: TenantRateOptions, nowMs: number) {
    this.#options = options;
    this.#total = new TokenBucket(options.total.burst, nowMs);
  }

  /**
   * Takes a token of the tenant, then one of the total. Returns whether both had one now. If only the total has none, the
   * token of the tenant is used up.
   */
  tryTake(tenant: string, nowMs: number): boolean {
    const { total, perTenant, maxTenants } = this.#options;
    const share = this.#tenants.get(tenant) ?? new TokenBucket(perTenant.burst, nowMs);
    this.#tenants.delete(tenant);
    this.#tenants.set(tenant, share);
    const [oldest] = this.#tenants.keys();
    if (this.#tenants.size > maxTenants && oldest !== undefined) this.#tenants.delete(oldest);
    return share.tryTake(perTenant, nowMs) && this.#total.tryTake(total, nowMs);
  }
}
