import { Fifo } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';

/** A review that waits to be processed. */
export interface QueuedReview {
  /** When its body was complete, monotonic milliseconds. */
  readonly arrivedAt: number;
  /** The latest useful start, monotonic milliseconds. */
  readonly latestStart: number;
  /** Size of the body. */
  readonly bytes: number;
  /** Starts processing. The synchronous part runs before this returns. */
  readonly start: () => void;
  /** Responds without processing it. */
  readonly shed: () => void;
}

/** Estimated cost of a review before the first measurement, milliseconds. Measured on two shared cores. */
const INITIAL_COST_MS = 0.1;
/** Weight of the newest measurement in the moving average. */
const COST_WEIGHT = 0.05;
/** How long to process reviews before yielding to socket I/O. */
const SLICE_MS = 5;
/**
 * Larger reviews are low priority: parsing one takes up to 14 ms per MiB. A pod with dozens of containers takes 100 KB.
 */
const LARGE_BYTES = 512 * 1024;

/**
 * Queues complete reviews, so that waiting for the event loop is measurable, and processes them in FIFO order. Sheds a
 * review on arrival if the queue length times the average cost exceeds its latest start. Shedding is cheap and leaves the
 * queued reviews their time. Large reviews are processed one at a time, when no normal review waits.
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

  /** The number of queued reviews. */
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

  /** Starts at most one, then yields to socket I/O: normal reviews that arrived meanwhile go first. */
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
