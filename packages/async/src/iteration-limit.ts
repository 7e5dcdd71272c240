import { yieldToEventLoop } from './event-loop.ts';
import { FairQueue } from './fair-queue.ts';

/**
 * Limits how many pieces of work start in one iteration of the event loop, so that callbacks of I/O run between them. Pieces over
 * the limit wait for the next iterations, in a round-robin queue of tenants.
 */
export class IterationLimit {
  readonly #maxStarts: number;
  readonly #waiting = new FairQueue<object, () => void>();
  #started = 0;
  #isScheduled = false;

  constructor(maxStarts: number) {
    this.#maxStarts = maxStarts;
  }

  /**
   * Counts a piece of work. Returns a promise to await before its start if this iteration is full, else undefined, so that most
   * calls create no promise.
   */
  next(tenant: string): Promise<void> | undefined {
    this.#scheduleNext();
    if (this.#started < this.#maxStarts && this.#waiting.size === 0) {
      this.#started += 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.set(tenant, {}, resolve);
    });
  }

  #scheduleNext(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void yieldToEventLoop().then(() => {
      this.#isScheduled = false;
      this.#startWaiting();
    });
  }

  #startWaiting(): void {
    this.#started = 0;
    while (this.#started < this.#maxStarts) {
      const start = this.#waiting.take();
      if (start === undefined) return;
      this.#started += 1;
      start();
    }
    this.#scheduleNext();
  }
}
