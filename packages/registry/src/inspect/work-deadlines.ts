import type { Clock } from '../ports.ts';

/** No registry that works takes longer; ends the work that nobody waits for any more. */
const WORK_DEADLINE_MS = 15_000;
/** Work that begins within this time shares a signal, and may have that much less. */
const SHARED_MS = 1_000;

/**
 * The deadlines of work that nearly always ends long before. A timer and its signal live on until their time, and what
 * Redis answers is there within a millisecond: one for each piece of work left thousands of them to the garbage collector.
 */
export class WorkDeadlines {
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  #current: AbortSignal | undefined;
  #madeAtMs = Number.NEGATIVE_INFINITY;

  /** @param closing ends all work at once */
  constructor(clock: Clock, closing: AbortSignal) {
    this.#clock = clock;
    this.#closing = closing;
  }

  /** Aborts 14 to 15 s from now, or when everything is closed. */
  signal(): AbortSignal {
    const now = this.#clock.monotonic();
    if (this.#current === undefined || this.#current.aborted || now - this.#madeAtMs >= SHARED_MS) {
      this.#current = AbortSignal.any([this.#closing, AbortSignal.timeout(WORK_DEADLINE_MS)]);
      this.#madeAtMs = now;
    }
    return this.#current;
  }
}
