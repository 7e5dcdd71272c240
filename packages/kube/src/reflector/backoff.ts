import type { Clock, Random } from '@archpolicy/async';

/** client-go's values for reflectors. The delay begins with 0.8 s, doubles up to 30 s, and is reset after 2 min without a failure. */
export const REFLECTOR_BACKOFF: BackoffTiming = { firstMs: 800, maxMs: 30_000, resetAfterMs: 120_000 };

export interface BackoffTiming {
  readonly firstMs: number;
  readonly maxMs: number;
  /** After this time without a failure, the back-off starts at `firstMs` again. */
  readonly resetAfterMs: number;
}

/** Exponential back-off with jitter of up to 100 %. */
export class Backoff {
  readonly #timing: BackoffTiming;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #random: Random;
  #nextMs: number;
  #lastFailureAt = -Infinity;

  constructor(timing: BackoffTiming, clock: Pick<Clock, 'monotonic'>, random: Random) {
    this.#timing = timing;
    this.#clock = clock;
    this.#random = random;
    this.#nextMs = timing.firstMs;
  }

  /** Forgets all failures. */
  reset(): void {
    this.#nextMs = this.#timing.firstMs;
  }

  /** Records a failure. Returns the delay in milliseconds. */
  next(): number {
    const now = this.#clock.monotonic();
    if (now - this.#lastFailureAt > this.#timing.resetAfterMs) this.#nextMs = this.#timing.firstMs;
    const base = this.#nextMs;
    this.#nextMs = Math.min(base * 2, this.#timing.maxMs);
    const delayMs = base * (1 + this.#random());
    // The time without a failure begins at the end of the delay. Otherwise a long delay would already reset the back-off.
    this.#lastFailureAt = now + delayMs;
    return delayMs;
  }
}
