import { yieldToEventLoop } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';

/**
 * A clock that a test turns by hand: `now` in epoch milliseconds, `monotonic` in milliseconds since the clock was made,
 * `sleep` until the test has turned it far enough.
 */
export class FakeClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #sleepers: Sleeper[] = [];
  readonly #sleepListeners = new Set<() => void>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** @throws the signal's reason, as soon as it is aborted */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      if (ms <= 0) {
        resolve();
        return;
      }
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper = { dueAt: this.#elapsedMs + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
      for (const listener of [...this.#sleepListeners]) listener();
    });
  }

  /** How long everybody who sleeps now has still to sleep, the shortest first. */
  get sleeping(): readonly number[] {
    return this.#sleepers.map(({ dueAt }) => dueAt - this.#elapsedMs).sort((a, b) => a - b);
  }

  /** Resolves as soon as somebody sleeps whose remaining milliseconds pass the test. */
  async somebodySleeps(matches: (ms: number) => boolean = () => true): Promise<void> {
    const sleeps = (): boolean => this.sleeping.some(matches);
    if (sleeps()) return;
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!sleeps()) return;
        this.#sleepListeners.delete(check);
        resolve();
      };
      this.#sleepListeners.add(check);
    });
  }

  /**
   * Turns the clock. Sleepers wake in the order of their times, each at its time, and what they do then has a turn of
   * the event loop before the clock goes on: a sleeper that sleeps again within `ms` wakes again.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    await yieldToEventLoop();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      const due = next;
      this.#sleepers = this.#sleepers.filter((other) => other !== due);
      // After a jump sleepers may be overdue: the clock never goes back for them.
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueAt);
      due.wake();
      await yieldToEventLoop();
    }
    this.#elapsedMs = until;
  }

  /** Turns the clock without anybody noticing: what a process finds that was stopped for a while. */
  jump(ms: number): void {
    this.#elapsedMs += ms;
  }

  #next(until: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueAt <= until && (next === undefined || sleeper.dueAt < next.dueAt)) next = sleeper;
    }
    return next;
  }
}

interface Sleeper {
  readonly dueAt: number;
  readonly wake: () => void;
}
