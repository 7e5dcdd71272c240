import type { Clock } from '../../ports.ts';
import { turnOfTheEventLoop } from './within.ts';
import type { Waited } from './within.ts';

interface Waiting {
  /** Monotonic milliseconds. */
  readonly until: number;
  readonly giveUp: () => void;
}

/**
 * `within` for many things that all have the same time: one timer for all of them. A command is nearly always answered
 * within a millisecond, and a timer of its own, ended by a signal of its own, took a sixth of what the answer takes.
 */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #ms: number;
  /** The oldest first: its time is over before that of all others. */
  readonly #waiting = new Set<Waiting>();
  readonly #closing = new AbortController();
  #watching = false;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** @throws what the work throws in time */
  within<T>(work: Promise<T>): Promise<Waited<T>> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        until: this.#clock.monotonic() + this.#ms,
        giveUp: () => {
          resolve({ kind: 'late' });
        },
      };
      this.#waiting.add(waiting);
      const done = (value: T): void => {
        this.#waiting.delete(waiting);
        resolve({ kind: 'done', value });
      };
      const fail = (error: Error): void => {
        this.#waiting.delete(waiting);
        reject(error);
      };
      work.then(done, fail);
      if (!this.#watching) void this.#watch();
    });
  }

  /** Nothing is waited for any more, now or later. */
  close(): void {
    this.#closing.abort();
  }

  /** Ends by itself when its timer finds nobody waiting. */
  async #watch(): Promise<void> {
    this.#watching = true;
    for (let [oldest] = this.#waiting; oldest !== undefined; [oldest] = this.#waiting) {
      const now = this.#clock.monotonic();
      if (oldest.until > now) {
        await this.#clock.sleep(oldest.until - now, this.#closing.signal).catch(() => {
          this.#giveUp(Number.POSITIVE_INFINITY);
        });
      } else {
        // After a stall of this process the timer and the answer are both there, and the timer is served first.
        await turnOfTheEventLoop();
        this.#giveUp(now);
      }
    }
    this.#watching = false;
  }

  #giveUp(now: number): void {
    for (const waiting of this.#waiting) {
      if (waiting.until > now) return;
      this.#waiting.delete(waiting);
      waiting.giveUp();
    }
  }
}
