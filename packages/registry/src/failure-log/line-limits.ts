import { TenantRate, TokenBucket } from '@archpolicy/async';
import type { TokenBucketRate } from '@archpolicy/async';
import { LRUCache } from 'lru-cache';

/** What a line would be about. */
export interface Subject {
  readonly host: string;
  readonly kind: string;
  /** Whether the registries file names this host. Such hosts have lines of their own, which no tenant can use up. */
  readonly isNamed: boolean;
  /** The namespace for which the image was inspected. */
  readonly tenant: string;
}

/** Whether to write a line, with the numbers of failures since the last line that got none. */
export type LineDecision =
  | { readonly kind: 'suppress' }
  | {
      readonly kind: 'write';
      /** Failures of this host with this cause. */
      readonly repeated: number;
      /** Failures of any host that the total number of lines suppressed. */
      readonly suppressed: number;
    };

interface Line {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  repeated: number;
}

/** How long a cause of a host is not logged again. Another cause of the host is logged at once. */
const REPEAT_MS = 10 * 60_000;
/** Maximum number of hosts and causes in memory, because tenants choose hosts. */
const MAX_LINES = 2_000;
const MAX_TENANTS = 1_000;
/** The total of the lines about hosts that the registries file names. */
const NAMED_RATE: TokenBucketRate = { perSecond: 1, burst: 60 };
/** The total of the lines about other hosts, and the share of one namespace. */
const OTHER_RATE: TokenBucketRate = { perSecond: 0.5, burst: 30 };
const TENANT_RATE: TokenBucketRate = { perSecond: 0.1, burst: 10 };

/**
 * Decides which failures get a line in the log: each host and cause once in ten minutes, within a total per minute of which
 * each namespace has a share. Without these bounds, a tenant could fill the log with hosts that do not exist. Has no clock:
 * callers pass the time in monotonic milliseconds.
 */
export class LineLimits {
  /** The last lines about named hosts. They are separate, so that a tenant's hosts do not evict them. */
  readonly #named = new LRUCache<string, Line>({ max: MAX_LINES });
  readonly #other = new LRUCache<string, Line>({ max: MAX_LINES });
  readonly #namedTotal: TokenBucket;
  readonly #others: TenantRate;
  #suppressed = 0;

  constructor(nowMs: number) {
    this.#namedTotal = new TokenBucket(NAMED_RATE.burst, nowMs);
    this.#others = new TenantRate({ total: OTHER_RATE, perTenant: TENANT_RATE, maxTenants: MAX_TENANTS }, nowMs);
  }

  decide(subject: Subject, nowMs: number): LineDecision {
    const lines = subject.isNamed ? this.#named : this.#other;
    const key = `${subject.kind} ${subject.host}`;
    const last = lines.get(key);
    if (last !== undefined && nowMs - last.atMs < REPEAT_MS) {
      last.repeated += 1;
      return { kind: 'suppress' };
    }
    if (!this.#isWithinTotal(subject, nowMs)) {
      this.#suppressed += 1;
      return { kind: 'suppress' };
    }
    lines.set(key, { atMs: nowMs, repeated: 0 });
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return { kind: 'write', repeated: last?.repeated ?? 0, suppressed };
  }

  #isWithinTotal({ isNamed, tenant }: Subject, nowMs: number): boolean {
    return isNamed ? this.#namedTotal.tryTake(NAMED_RATE, nowMs) : this.#others.tryTake(tenant, nowMs);
  }
}
