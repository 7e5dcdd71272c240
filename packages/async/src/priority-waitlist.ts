import { onAbort } from './abort.ts';
import { startTimer } from './clock.ts';
import type { Clock } from './clock.ts';

/** How a request for a permit ended. */
export type PermitOutcome =
  | { readonly kind: 'acquired' }
  /** The caller's signal aborted first. */
  | { readonly kind: 'aborted' }
  /** The next permit would be valid only after the longest allowed wait. */
  | { readonly kind: 'rejected'; readonly waitMs: number };

export interface PriorityWaitlistOptions<P extends string> {
  readonly clock: Pick<Clock, 'sleep'>;
  /** The most urgent first. */
  readonly priorities: readonly P[];
  /**
   * Reserves the next permit. Returns the milliseconds until the permit is valid. A result above `maxWaitMs` means that
   * no permit was reserved. Never rejects.
   */
  readonly reserve: () => Promise<number>;
  readonly maxWaitMs: number;
}

interface Waiter {
  readonly settle: (outcome: PermitOutcome) => void;
}

/**
 * Hands out permits of a rate limit one at a time. When a permit becomes valid, the most urgent waiter of that moment
 * gets it. If each waiter reserved its permit on arrival, more urgent waiters that arrive later would be served after
 * that waiter.
 */
export class PriorityWaitlist<P extends string> {
  readonly #options: PriorityWaitlistOptions<P>;
  readonly #waiters: ReadonlyMap<P, Set<Waiter>>;
  #wake: () => void = () => undefined;
  #isServing = false;

  constructor(options: PriorityWaitlistOptions<P>) {
    this.#options = options;
    this.#waiters = new Map(options.priorities.map((priority) => [priority, new Set()]));
  }

  /** The number of waiters, of all priorities. */
  get size(): number {
    let size = 0;
    for (const waiters of this.#waiters.values()) size += waiters.size;
    return size;
  }

  /** Waits for a permit. Never rejects. */
  acquire(priority: P, signal: AbortSignal): Promise<PermitOutcome> {
    if (signal.aborted) return Promise.resolve({ kind: 'aborted' });
    const waiters = this.#waitersOf(priority);
    return new Promise((resolve) => {
      const stopListening = onAbort(signal, () => {
        waiter.settle({ kind: 'aborted' });
        if (this.size === 0) this.#wake();
      });
      const waiter: Waiter = {
        settle: (outcome) => {
          waiters.delete(waiter);
          stopListening();
          resolve(outcome);
        },
      };
      waiters.add(waiter);
      if (!this.#isServing) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    while (this.size > 0) {
      const waitMs = await this.#options.reserve();
      if (waitMs > this.#options.maxWaitMs) this.#rejectAll(waitMs);
      // All waiters have gone before this permit became valid. A waiter that arrives now needs a new permit.
      else if (waitMs > 0 && !(await this.#sleep(waitMs))) continue;
      this.#next()?.settle({ kind: 'acquired' });
    }
    this.#isServing = false;
  }

  /**
   * Returns true when the time has passed. Returns false if the last waiter leaves before; the permit then expires
   * unused.
   */
  #sleep(ms: number): Promise<boolean> {
    if (this.size === 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const stopTimer = startTimer(this.#options.clock, ms, () => {
        resolve(true);
      });
      this.#wake = () => {
        stopTimer();
        resolve(false);
      };
    });
  }

  #rejectAll(waitMs: number): void {
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) waiter.settle({ kind: 'rejected', waitMs });
    }
  }

  #next(): Waiter | undefined {
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) return waiter;
    }
    return undefined;
  }

  #waitersOf(priority: P): Set<Waiter> {
    const waiters = this.#waiters.get(priority);
    if (waiters === undefined) throw new TypeError(`unknown priority ${priority}`);
    return waiters;
  }
}
