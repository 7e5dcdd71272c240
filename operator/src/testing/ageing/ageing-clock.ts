import type { Clock } from '@archpolicy/service';

/** A clock of durations that can be put forward: who sleeps wakes as if the time had passed. What day it is stays. */
export class AgeingClock implements Clock {
  readonly #clock: Clock;
  #aheadMs = 0;
  #jump = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  pass(ms: number): void {
    this.#aheadMs += ms;
    const jump = this.#jump;
    this.#jump = new AbortController();
    jump.abort();
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic() + this.#aheadMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const untilMs = this.monotonic() + ms;
    do {
      const jump = this.#jump.signal;
      const either = signal === undefined ? jump : AbortSignal.any([signal, jump]);
      await this.#clock.sleep(Math.max(0, untilMs - this.monotonic()), either).catch((error: unknown) => {
        if (!jump.aborted) throw error;
      });
      signal?.throwIfAborted();
    } while (this.monotonic() < untilMs);
  }
}
