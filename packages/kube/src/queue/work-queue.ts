import { Fifo, onAbort, startTimer } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { DelayHeap } from './delay-heap.ts';
import { QUEUE_RATE_LIMIT, RateLimit } from './rate-limit.ts';
import type { RateLimitTiming } from './rate-limit.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly rateLimit?: RateLimitTiming;
}

/**
 * A queue of keys, like client-go's workqueue. Each key is queued at most once, and at most one worker processes it.
 *
 * Invariants: a key is in `#dirty` while it needs processing, in `#processing` while a worker has it, and in `#ready` if it is in
 * `#dirty` but not in `#processing`. If a key is added while a worker has it, `done` queues it again.
 */
export class WorkQueue<K extends string | number> {
  readonly #clock: Clock;
  readonly #rateLimit: RateLimit<K>;
  readonly #ready = new Fifo<K>();
  /** The times at which the keys of `#ready` became ready, in the same order. */
  readonly #readyAt = new Fifo<number>();
  readonly #dirty = new Set<K>();
  readonly #processing = new Set<K>();
  readonly #waitingWorkers = new Set<(key: K) => void>();
  readonly #delayed = new DelayHeap<K>();
  /** The due time of each delayed key. A heap entry with another due time is obsolete, because an earlier entry replaced it. */
  readonly #dueAt = new Map<K, number>();
  #stopTimer: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#rateLimit = new RateLimit(options.rateLimit ?? QUEUE_RATE_LIMIT, options.clock);
  }

  /** The number of keys ready for a worker. */
  get length(): number {
    return this.#ready.size;
  }

  /** The number of delayed keys. */
  get delayed(): number {
    return this.#dueAt.size;
  }

  /** How long the oldest ready key has waited for a worker, milliseconds; 0 if no key is ready. */
  get oldestReadyMs(): number {
    const readyAt = this.#readyAt.first;
    return readyAt === undefined ? 0 : this.#clock.monotonic() - readyAt;
  }

  /** The number of keys that workers are processing. */
  get inProgress(): number {
    return this.#processing.size;
  }

  add(key: K): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  /** Adds the key after `ms`. If the key is already delayed, the earlier time applies. */
  addAfter(key: K, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const dueAt = this.#clock.monotonic() + ms;
    if (dueAt >= (this.#dueAt.get(key) ?? Infinity)) return;
    this.#dueAt.set(key, dueAt);
    this.#delayed.push({ key, dueAt });
    if (this.#delayed.first?.key === key) this.#scheduleTimer();
  }

  /** Adds a failed key after its back-off. */
  addRateLimited(key: K): void {
    this.addAfter(key, this.#rateLimit.nextDelayMs(key));
  }

  /** Resets the back-off of a key that succeeded. */
  forget(key: K): void {
    this.#rateLimit.forget(key);
  }

  /** Returns the number of failures of the key since the last `forget`. */
  countFailures(key: K): number {
    return this.#rateLimit.countFailures(key);
  }

  /** Waits for the next key; undefined once the signal is aborted. The worker must call `done` afterwards. */
  get(signal: AbortSignal): Promise<K | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const key = this.#ready.shift();
    if (key !== undefined) {
      this.#readyAt.shift();
      return Promise.resolve(this.#startProcessing(key));
    }
    return new Promise((resolve) => {
      const onKey = (next: K): void => {
        stopListening();
        resolve(this.#startProcessing(next));
      };
      this.#waitingWorkers.add(onKey);
      const stopListening = onAbort(signal, () => {
        this.#waitingWorkers.delete(onKey);
        resolve(undefined);
      });
    });
  }

  /** Ends the processing of a key, after a success or a failure. */
  done(key: K): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#enqueue(key);
  }

  /** Drops the delayed keys and their timer. Ready keys remain. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#dueAt.clear();
    while (this.#delayed.pop() !== undefined);
  }

  #enqueue(key: K): void {
    const [getter] = this.#waitingWorkers;
    if (getter === undefined) {
      this.#ready.push(key);
      this.#readyAt.push(this.#clock.monotonic());
      return;
    }
    this.#waitingWorkers.delete(getter);
    getter(key);
  }

  #startProcessing(key: K): K {
    this.#processing.add(key);
    this.#dirty.delete(key);
    return key;
  }

  /** Starts the timer for the earliest delayed key. */
  #scheduleTimer(): void {
    this.#stopTimer?.();
    const next = this.#delayed.first;
    const leftMs = next && Math.max(0, next.dueAt - this.#clock.monotonic());
    this.#stopTimer =
      leftMs === undefined
        ? undefined
        : startTimer(this.#clock, leftMs, () => {
            this.#enqueueDue();
          });
  }

  #enqueueDue(): void {
    const now = this.#clock.monotonic();
    for (let next = this.#delayed.first; next !== undefined && next.dueAt <= now; next = this.#delayed.first) {
      this.#delayed.pop();
      if (this.#dueAt.get(next.key) !== next.dueAt) continue;
      this.#dueAt.delete(next.key);
      this.add(next.key);
    }
    this.#scheduleTimer();
  }
}
