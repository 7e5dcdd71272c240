import type { Clock, Random } from '@archpolicy/async';

/** client-go's numbers for reflectors: 0.8 s, doubled up to 30 s, forgotten after two quiet minutes. */
export const REFLECTOR_BACKOFF: BackoffTiming = { firstMs: 800, maxMs: 30_000, resetAfterMs: 120_000 };

export interface BackoffTiming {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Without a failure for this long, the next one starts at `firstMs` again. */
  readonly resetAfterMs: number;
}

/** How long to wait after the next failure: exponential, with jitter of up to as much again. */
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

  /** Notes a failure and says how long to wait, in milliseconds. */
  next(): number {
    const now = this.#clock.monotonic();
    if (now - this.#lastFailureAt > this.#timing.resetAfterMs) this.#nextMs = this.#timing.firstMs;
    const base = this.#nextMs;
    this.#nextMs = Math.min(base * 2, this.#timing.maxMs);
    const delayMs = base * (1 + this.#random());
    // The quiet time begins when the wait is over, or long waits alone would reset the back-off.
    this.#lastFailureAt = now + delayMs;
    return delayMs;
  }
}
