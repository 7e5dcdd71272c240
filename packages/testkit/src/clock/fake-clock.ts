import { yieldToEventLoop } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';

/**
 * A clock that the test advances: `now` in epoch milliseconds, `monotonic` in milliseconds since its creation. `sleep` ends
 * once the test has advanced the clock far enough.
 */
export class FakeClock implements Clock {
  #startMs: number;
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

  /** @throws the signal's reason once it is aborted */
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

  /** The remaining milliseconds of all sleeps, the shortest first. */
  get sleeping(): readonly number[] {
    return this.#sleepers.map(({ dueAt }) => dueAt - this.#elapsedMs).sort((a, b) => a - b);
  }

  /** Resolves once there is a sleep whose remaining milliseconds match. */
  async untilSleeping(matches: (ms: number) => boolean = () => true): Promise<void> {
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
   * Advances the clock. Wakes sleepers in the order of their due times, and sets the clock to each due time. Yields to
   * the event loop after each sleeper, so that a sleeper that sleeps again within `ms` wakes again.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    await yieldToEventLoop();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      const due = next;
      this.#sleepers = this.#sleepers.filter((other) => other !== due);
      // After a jump, sleepers may be overdue. The clock must not go back to their due times.
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueAt);
      due.wake();
      await yieldToEventLoop();
    }
    this.#elapsedMs = until;
  }

  /** Advances the clock without waking sleepers, as if the process had been suspended. */
  jump(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Changes only the wall clock, as an administrator or NTP does. */
  stepWallClock(ms: number): void {
    this.#startMs += ms;
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
