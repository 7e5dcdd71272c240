import { Fifo } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';

/** A review that waits to be processed. */
export interface QueuedReview {
  /** The time at which the body was complete, monotonic milliseconds. */
  readonly arrivedAt: number;
  /** The latest time at which a start is still useful, monotonic milliseconds. */
  readonly latestStart: number;
  /** Size of the body. */
  readonly bytes: number;
  /** Starts to process the review. Its synchronous part has run when this function returns. */
  readonly start: () => void;
  /** Responds without processing the review. */
  readonly shed: () => void;
}

/** Estimated cost of a review before the first measurement, milliseconds. Measured on two shared cores. */
const INITIAL_COST_MS = 0.1;
/** Weight of the newest measurement in the moving average. */
const COST_WEIGHT = 0.05;
/** How long reviews are processed before a yield to socket I/O, milliseconds. */
const SLICE_MS = 5;
/**
 * Maximum size of a review of normal priority, in bytes. Larger reviews have low priority, because parsing takes up to
 * 14 ms per MiB. A pod with dozens of containers takes 100 KB.
 */
const LARGE_BYTES = 512 * 1024;

/**
 * Processes complete reviews in FIFO order. The queue estimates how long an arriving review will wait: the queue length
 * times the average cost of a review. If the review would then start after its latest start, it is shed at once.
 * Shedding is cheap, and leaves more time to the queued reviews. Large reviews are processed one at a time, when no
 * normal review waits.
 */
export class ReviewQueue {
  readonly #clock: Clock;
  readonly #normal = new Fifo<QueuedReview>();
  readonly #large = new Fifo<QueuedReview>();
  #scheduled = false;
  #costMs = INITIAL_COST_MS;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of queued reviews. */
  get length(): number {
    return this.#normal.size + this.#large.size;
  }

  push(review: QueuedReview): void {
    if (review.arrivedAt + this.#normal.size * this.#costMs > review.latestStart) {
      review.shed();
      return;
    }
    (review.bytes > LARGE_BYTES ? this.#large : this.#normal).push(review);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const startedAt = this.#clock.monotonic();
    let now = startedAt;
    for (let review = this.#normal.shift(); review !== undefined; review = this.#normal.shift()) {
      if (this.#startOrShed(review, now)) {
        const after = this.#clock.monotonic();
        this.#costMs += COST_WEIGHT * (after - now - this.#costMs);
        now = after;
      }
      if (now - startedAt >= SLICE_MS) break;
    }
    if (this.#normal.size === 0) this.#startOneLarge(now);
    if (this.length > 0) this.#schedule();
  }

  /**
   * Starts at most one large review. After the large review, the queue yields to socket I/O. Normal reviews that have
   * arrived by then start before the next large review.
   */
  #startOneLarge(now: number): void {
    const review = this.#large.shift();
    if (review !== undefined) this.#startOrShed(review, now);
  }

  #startOrShed(review: QueuedReview, now: number): boolean {
    if (now > review.latestStart) {
      review.shed();
      return false;
    }
    review.start();
    return true;
  }
}
