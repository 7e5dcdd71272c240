import { Fifo } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';

/** A review that waits for its turn. */
export interface QueuedReview {
  /** Monotonic milliseconds when it was there whole. */
  readonly arrivedAt: number;
  /** Monotonic milliseconds after which beginning with it is of no use. */
  readonly latestStart: number;
  /** Size of its body. */
  readonly bytes: number;
  /** Begins with it: the part until its first wait runs before this returns. */
  readonly start: () => void;
  /** Answers it without looking at it. */
  readonly shed: () => void;
}

/** What one review costs before anything was measured, milliseconds; measured on two shared cores. */
const INITIAL_COST_MS = 0.1;
/** Weight of the newest measurement in the moving average. */
const COST_WEIGHT = 0.05;
/** How long reviews are worked on before sockets are looked at again. */
const SLICE_MS = 5;
/**
 * Beyond it a review takes milliseconds to parse (14 ms for each MiB at worst) and waits until no usual one does. Pods of
 * some dozens of containers have 100 KB.
 */
const LARGE_BYTES = 512 * 1024;

/**
 * Makes the wait for the event loop visible: reviews are queued when they are read whole and worked on in order. One
 * that could not begin in time, judged by those before it and what they cost of late, is shed at once: it costs
 * almost nothing then, and those in front keep their time. Large ones go one at a time, when no usual one waits.
 */
export class ReviewQueue {
  readonly #clock: Clock;
  readonly normal = new Fifo<QueuedReview>();
  readonly #large = new Fifo<QueuedReview>();
  #scheduled = false;
  #costMs = INITIAL_COST_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get length(): number {
    return this.normal.size + this.#large.size;
  }

  push(review: QueuedReview): void {
    if (review.arrivedAt + this.normal.size * this.#costMs > review.latestStart) {
      review.shed();
      return;
    }
    (review.bytes > LARGE_BYTES ? this.#large : this.normal).push(review);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.run();
    });
  }

  run(): void {
    const startedAt = this.#clock.monotonic();
    let now = startedAt;
    for (let review = this.normal.shift(); review !== undefined; review = this.normal.shift()) {
      if (this.startOrShed(review, now)) {
        const after = this.#clock.monotonic();
        this.#costMs += COST_WEIGHT * (after - now - this.#costMs);
        now = after;
      }
      if (now - startedAt >= SLICE_MS) break;
    }
    if (this.normal.size === 0) this.startOneLarge(now);
    if (this.length > 0) this.#schedule();
  }

  /** After it, sockets are looked at: usual reviews that came meanwhile go first. */
  startOneLarge(now: number): void {
    const review = this.#large.shift();
    if (review !== undefined) this.startOrShed(review, now);
  }

  startOrShed(review: QueuedReview, now: number): boolean {
    if (now > review.latestStart) {
      review.shed();
      return false;
    }
    review.start();
    return true;
  }
}
