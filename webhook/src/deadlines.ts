import type { Clock } from '@archpolicy/service';
import { WebhookError } from './errors.ts';

/** How late a deadline may be noticed: a small part of the 500 ms that are kept in reserve. */
const STEP_MS = 25;

interface Pending {
  readonly deadline: number;
  readonly expire: () => void;
}

/**
 * Deadlines for work that is nearly always done long before: one timer for all of them, instead of one for each review
 * that is answered within a millisecond.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #pending = new Set<Pending>();
  #watching = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The work's result, if it is there by `deadline` (monotonic milliseconds).
   * @throws WebhookError `DeadlinePassed`; `DecisionFailed` when the work rejects
   */
  within<T>(work: Promise<T>, deadline: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const pending: Pending = {
        deadline,
        expire: () => {
          reject(new WebhookError('DeadlinePassed', 'no answer before the deadline'));
        },
      };
      this.#pending.add(pending);
      work.then(
        (value) => {
          this.#pending.delete(pending);
          resolve(value);
        },
        (error: unknown) => {
          this.#pending.delete(pending);
          reject(new WebhookError('DecisionFailed', 'the decision failed', { cause: error }));
        },
      );
      if (!this.#watching) void this.#watch();
    });
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (this.#pending.size > 0) {
      await this.#clock.sleep(STEP_MS);
      this.#expireLate(this.#clock.monotonic());
    }
    this.#watching = false;
  }

  #expireLate(now: number): void {
    for (const pending of this.#pending) {
      if (pending.deadline > now) continue;
      this.#pending.delete(pending);
      pending.expire();
    }
  }
}
