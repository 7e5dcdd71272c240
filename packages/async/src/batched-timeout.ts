import type { Waited } from './abort.ts';
import { startTimer } from './clock.ts';
import type { Clock } from './clock.ts';
import { yieldToEventLoop } from './event-loop.ts';

export interface BatchedTimeoutOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  /** Callers of `signal` whose deadlines are less than this apart share one signal. 0 by default. */
  readonly shareMs?: number;
}

interface Deadline {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly expire: () => void;
}

/**
 * Deadlines for many short operations, with one timer for all of them. It saves time on hot paths, because an operation
 * costs an entry of a Set instead of a timer. (Nearly every operation ends before its deadline.)
 */
export class BatchedTimeout {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly #shareMs: number;
  readonly #pending = new Set<Deadline>();
  #stopTimer: () => void = () => undefined;
  /**
   * When the timer elapses. It may elapse before any deadline is due, because the work with the earliest deadline may
   * have ended in time.
   */
  #timerAtMs = Number.POSITIVE_INFINITY;
  #shared: { readonly controller: AbortController; readonly atMs: number } | undefined;
  #closed = false;

  constructor({ clock, shareMs = 0 }: BatchedTimeoutOptions) {
    this.#clock = clock;
    this.#shareMs = shareMs;
  }

  /**
   * Waits for the work until `atMs` (monotonic milliseconds). As in `waitAtMost`, pending I/O is handled before a wait
   * times out.
   * @throws what the work throws in time
   */
  wait<T>(work: Promise<T>, atMs: number): Promise<Waited<T>> {
    return new Promise((resolve, reject) => {
      const deadline: Deadline = {
        atMs,
        expire: () => {
          resolve({ kind: 'timed-out' });
        },
      };
      const done = (value: T): void => {
        this.#pending.delete(deadline);
        resolve({ kind: 'done', value });
      };
      const fail = (error: Error): void => {
        this.#pending.delete(deadline);
        reject(error);
      };
      work.then(done, fail);
      this.#add(deadline);
    });
  }

  /** Returns a signal that aborts at `atMs` (monotonic milliseconds) or up to `shareMs` before, and also on `close`. */
  signal(atMs: number): AbortSignal {
    if (this.#closed) return AbortSignal.abort();
    const shared = this.#shared;
    if (shared !== undefined && atMs - shared.atMs < this.#shareMs && !shared.controller.signal.aborted) {
      return shared.controller.signal;
    }
    const controller = new AbortController();
    this.#shared = { controller, atMs };
    this.#add({
      atMs,
      expire: () => {
        controller.abort();
      },
    });
    return controller.signal;
  }

  /** Times out all pending waits and aborts all signals. Later waits and signals end at once. */
  close(): void {
    this.#closed = true;
    this.#stopTimer();
    this.#expire(Number.POSITIVE_INFINITY);
  }

  #add(deadline: Deadline): void {
    if (this.#closed) {
      deadline.expire();
      return;
    }
    this.#pending.add(deadline);
    if (deadline.atMs < this.#timerAtMs) this.#startTimer(deadline.atMs);
  }

  #startTimer(atMs: number): void {
    this.#stopTimer();
    this.#timerAtMs = atMs;
    const ms = Math.max(0, atMs - this.#clock.monotonic());
    this.#stopTimer = startTimer(this.#clock, ms, () => void this.#elapsed());
  }

  async #elapsed(): Promise<void> {
    const now = this.#clock.monotonic();
    if (this.#isAnyDue(now)) await yieldToEventLoop();
    const nextAtMs = this.#expire(now);
    if (this.#closed) return;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    if (nextAtMs !== Number.POSITIVE_INFINITY) this.#startTimer(nextAtMs);
  }

  #isAnyDue(nowMs: number): boolean {
    for (const { atMs } of this.#pending) if (atMs <= nowMs) return true;
    return false;
  }

  /** Expires the deadlines that are due. Returns the time of the next deadline. */
  #expire(nowMs: number): number {
    let nextAtMs = Number.POSITIVE_INFINITY;
    for (const deadline of this.#pending) {
      if (deadline.atMs > nowMs) {
        nextAtMs = Math.min(nextAtMs, deadline.atMs);
        continue;
      }
      this.#pending.delete(deadline);
      deadline.expire();
    }
    return nextAtMs;
  }
}
