import type { Clock } from '@archpolicy/service';

/** A review that waits for its turn. */
export interface Waiting {
  /** Monotonic milliseconds when it was there whole. */
  readonly arrivedAt: number;
  /** Monotonic milliseconds after which beginning with it is of no use. */
  readonly latestStart: number;
  /** Begins with it: the part until its first wait runs before this returns. */
  readonly start: () => void;
  /** Answers it without looking at it. */
  readonly shed: () => void;
}

/** What one review costs before anything was measured, milliseconds; measured on two shared cores. */
const FIRST_COST_MS = 0.1;
/** Weight of the newest measurement in the moving average. */
const COST_WEIGHT = 0.05;
/** How long reviews are worked on before sockets are looked at again. */
const SLICE_MS = 5;

/**
 * Makes the wait for the event loop visible: reviews are queued when they are read whole and worked on in order. One
 * that could not begin in time, judged by those before it and what they cost of late, is shed at once: it costs
 * almost nothing then, and those in front keep their time.
 */
export class ReviewQueue {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #head = 0;
  #scheduled = false;
  #costMs = FIRST_COST_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length - this.#head;
  }

  push(review: Waiting): void {
    if (review.arrivedAt + this.length * this.#costMs > review.latestStart) {
      review.shed();
      return;
    }
    this.#waiting.push(review);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#work();
    });
  }

  #work(): void {
    const sliceEnd = this.#clock.monotonic() + SLICE_MS;
    let now = sliceEnd - SLICE_MS;
    while (this.length > 0 && now < sliceEnd) {
      const review = this.#waiting[this.#head];
      this.#head += 1;
      if (review === undefined) continue;
      if (now > review.latestStart) {
        review.shed();
        continue;
      }
      review.start();
      const after = this.#clock.monotonic();
      this.#costMs += COST_WEIGHT * (after - now - this.#costMs);
      now = after;
    }
    if (this.length > 0) this.#schedule();
    else this.#waiting.length = this.#head = 0;
  }
}
