export interface TokenBucketRate {
  readonly perSecond: number;
  /** The number of tokens in a full bucket, which may be taken at once. */
  readonly burst: number;
}

const MS_PER_SECOND = 1_000;

/**
 * A token bucket with reservations, as in golang.org/x/time/rate: a caller may reserve a token before it is available,
 * and then waits for it. It has no clock and no timer: callers pass the time in monotonic milliseconds.
 */
export class TokenBucket {
  #tokens: number;
  #atMs: number;

  /** Creates a full bucket. */
  constructor(burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /**
   * Takes a token. Returns the milliseconds until the token is valid. If the result is above `maxWaitMs`, no token was
   * taken. The rate may differ from call to call, for example after a configuration file was reloaded.
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

  /** Takes a token if one is valid now. Returns whether it did. */
  tryTake(rate: TokenBucketRate, nowMs: number): boolean {
    return this.reserve(rate, nowMs, 0) === 0;
  }
}
