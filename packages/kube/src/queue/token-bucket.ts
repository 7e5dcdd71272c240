import type { Clock } from '../clock.ts';

export interface TokenBucketTiming {
  readonly perSecond: number;
  /** How many may go at once after a quiet time. */
  readonly burst: number;
}

/** Tokens that come at a steady rate; one may be taken before it is there, and tells how long to wait for it. */
export class TokenBucket {
  readonly #timing: TokenBucketTiming;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #tokens: number;
  #filledAt: number | undefined;

  constructor(timing: TokenBucketTiming, clock: Pick<Clock, 'monotonic'>) {
    this.#timing = timing;
    this.#clock = clock;
    this.#tokens = timing.burst;
  }

  /** Takes a token, on credit if need be. Milliseconds until it is there. */
  reserve(): number {
    const now = this.#clock.monotonic();
    const elapsedMs = now - (this.#filledAt ?? now);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#timing.burst, this.#tokens + (elapsedMs / 1000) * this.#timing.perSecond) - 1;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#timing.perSecond) * 1000;
  }
}
