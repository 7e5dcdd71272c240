export interface TokenBucketRate {
  readonly perSecond: number;
  /** Tokens in a full bucket: so many may be taken at once. */
  readonly burst: number;
}

const MS_PER_SECOND = 1_000;

/**
 * A token bucket with reservations (golang.org/x/time/rate): a token may be reserved before it is available, and the caller
 * waits for it. Has no clock and no timer; times are monotonic milliseconds.
 */
export class TokenBucket {
  #tokens: number;
  #atMs: number;

  /** A full bucket. */
  constructor(burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /**
   * Takes a token. Returns the milliseconds until it is valid; when they are more than `maxWaitMs`, none was taken.
   * The rate may differ from call to call, such as after a configuration file was reloaded.
   */
  reserve({ perSecond, burst }: TokenBucketRate, nowMs: number, maxWaitMs = Number.POSITIVE_INFINITY): number {
    const perMs = perSecond / MS_PER_SECOND;
    const tokens = Math.min(burst, this.#tokens + Math.max(0, nowMs - this.#atMs) * perMs) - 1;
    const waitMs = tokens < 0 ? -tokens / perMs : 0;
    if (waitMs > maxWaitMs) return waitMs;
    this.#tokens = tokens;
    this.#atMs = nowMs;
    return waitMs;
  }
}
