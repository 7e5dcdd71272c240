const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
const FRACTIONS_OF_MS = 1_024;

/** The rate of one policy. */
export interface PolicyRate {
  readonly policy: string;
  /** `maxEvictionsPerMinute` of the policy. */
  readonly maxPerMinute: number;
}

/** Whether the pace allows one more eviction now. `untilMs` is the earliest time at which it can allow one. */
export type PaceLimit =
  | { readonly kind: 'free' }
  | { readonly kind: 'limited'; readonly reason: 'PolicyLimit' | 'ClusterLimit'; readonly untilMs: number };

/** The levels of all buckets: the milliseconds until each of them is full again. A full bucket has no entry. */
export interface PaceLevels {
  readonly cluster?: number;
  readonly policies: Readonly<Record<string, number>>;
}

const FREE: PaceLimit = { kind: 'free' };

/**
 * Returns how many evictions may follow each other without a delay: as many as the rate allows in a second, at least one. So at 60
 * evictions a minute they are a second apart, which gives the brake the time to close before a mistake is repeated often. A smaller
 * burst would make high rates unreachable, because a delayed evaluation would waste the tokens that fall due in the meantime.
 */
export function getBurst(maxPerMinute: number): number {
  return Math.max(1, Math.ceil((maxPerMinute * SECOND_MS) / MINUTE_MS));
}

/**
 * Returns the time after which one token is added. The burst counts towards the maximum: a bucket that starts full allows at most
 * `maxPerMinute` evictions in any minute. It is rounded up to a fraction that doubles represent exactly, so that sums are exact.
 */
function getIntervalMs(maxPerMinute: number): number {
  const exactMs = MINUTE_MS / (maxPerMinute - getBurst(maxPerMinute) + 1);
  return Math.ceil(exactMs * FRACTIONS_OF_MS) / FRACTIONS_OF_MS;
}

/**
 * Token buckets that pace evictions: one for each policy, and one for the whole cluster (R6). It has no clock: the caller passes the
 * time.
 *
 * A bucket is stored as the time at which it is full again (the generic cell rate algorithm, ITU-T I.371). The number does not depend
 * on the rate, so a rate that changes applies from the next token on.
 */
export class EvictionPace {
  readonly #clusterMaxPerMinute: number;
  #clusterFullAtMs = Number.NEGATIVE_INFINITY;
  /** When the bucket of each policy is full again. Without an entry, it is full. */
  readonly #policiesFullAtMs = new Map<string, number>();

  /** @param clusterMaxPerMinute the maximum number of evictions a minute of all policies together */
  constructor(clusterMaxPerMinute: number) {
    this.#clusterMaxPerMinute = clusterMaxPerMinute;
  }

  /** Returns whether both the policy's and the cluster's bucket have a token. */
  limit({ policy, maxPerMinute }: PolicyRate, nowMs: number): PaceLimit {
    const policyAtMs = nextTokenAtMs(this.#policyFullAtMs(policy), maxPerMinute);
    if (policyAtMs > nowMs) return { kind: 'limited', reason: 'PolicyLimit', untilMs: policyAtMs };
    const clusterAtMs = nextTokenAtMs(this.#clusterFullAtMs, this.#clusterMaxPerMinute);
    return clusterAtMs > nowMs ? { kind: 'limited', reason: 'ClusterLimit', untilMs: clusterAtMs } : FREE;
  }

  /** Takes a token of both buckets. The caller has just checked {@link limit}. */
  take({ policy, maxPerMinute }: PolicyRate, nowMs: number): void {
    this.#sweep(nowMs);
    const fullAtMs = Math.max(this.#policyFullAtMs(policy), nowMs) + getIntervalMs(maxPerMinute);
    this.#policiesFullAtMs.set(policy, fullAtMs);
    this.#clusterFullAtMs = Math.max(this.#clusterFullAtMs, nowMs) + getIntervalMs(this.#clusterMaxPerMinute);
  }

  /**
   * Returns the tokens of an eviction for which no request was sent. The part that the buckets have regained since then
   * is not returned, because otherwise more than the burst could follow.
   */
  refund({ policy, maxPerMinute }: PolicyRate, takenAtMs: number, nowMs: number): void {
    const unused = (max: number): number => Math.max(0, getIntervalMs(max) - (nowMs - takenAtMs));
    this.#policiesFullAtMs.set(policy, this.#policyFullAtMs(policy) - unused(maxPerMinute));
    this.#clusterFullAtMs -= unused(this.#clusterMaxPerMinute);
  }

  /** Returns the levels, for a later leader. */
  snapshot(nowMs: number): PaceLevels {
    this.#sweep(nowMs);
    const policies = Object.fromEntries(
      [...this.#policiesFullAtMs].map(([policy, fullAtMs]) => [policy, Math.ceil(fullAtMs - nowMs)]),
    );
    const cluster = Math.ceil(this.#clusterFullAtMs - nowMs);
    return cluster > 0 ? { cluster, policies } : { policies };
  }

  /**
   * Restores the levels of an earlier leader. A bucket that is emptier now keeps its level.
   *
   * @param ageMs the time since the snapshot. The buckets have filled up during that time
   */
  restore({ cluster = 0, policies }: PaceLevels, nowMs: number, ageMs = 0): void {
    this.#clusterFullAtMs = Math.max(this.#clusterFullAtMs, toFullAtMs(cluster, nowMs, ageMs));
    for (const [policy, ms] of Object.entries(policies)) {
      this.#policiesFullAtMs.set(policy, Math.max(this.#policyFullAtMs(policy), toFullAtMs(ms, nowMs, ageMs)));
    }
  }

  /** Number of policies whose bucket is not full. */
  get policies(): number {
    return this.#policiesFullAtMs.size;
  }

  #policyFullAtMs(policy: string): number {
    return this.#policiesFullAtMs.get(policy) ?? Number.NEGATIVE_INFINITY;
  }

  /** Drops full buckets. Otherwise the entries of deleted policies would remain in memory. */
  #sweep(nowMs: number): void {
    for (const [policy, fullAtMs] of this.#policiesFullAtMs) {
      if (fullAtMs <= nowMs) this.#policiesFullAtMs.delete(policy);
    }
  }
}

/** Returns when a bucket with this rate has a token. It is rounded up, so that timers with whole milliseconds are not too early. */
function nextTokenAtMs(fullAtMs: number, maxPerMinute: number): number {
  return Math.ceil(fullAtMs - (getBurst(maxPerMinute) - 1) * getIntervalMs(maxPerMinute));
}

/** Returns when a restored bucket is full. No bucket takes longer than a minute, so a larger level is not used. */
function toFullAtMs(level: number, nowMs: number, ageMs: number): number {
  return nowMs + Math.min(level, MINUTE_MS) - Math.max(0, ageMs);
}
