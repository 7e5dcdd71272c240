import type { Clock } from '@archpolicy/async';
import { Listeners } from '../../listeners.ts';

/**
 * Tracks when all pods were last evaluated. All pods are evaluated after the start, after each change of policies, and
 * once in every recheck interval.
 */
export class ResyncProgress {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #completions = new Listeners<number>();
  /** The pods that a resync has enqueued and that have not been evaluated since. */
  readonly #pending = new Set<string>();
  /** The pods that the periodic recheck has enqueued in the current interval and that have not been evaluated since. */
  #due = new Set<string>();
  /**
   * The pods of the last interval that have not been evaluated since they were due; undefined if all of them have.
   * Kept apart from `#due`: in a large cluster some pods are due at any time, so `#due` is hardly ever empty.
   */
  #late: Set<string> | undefined;
  /** Number of resyncs whose pods are still being added. Such a resync is not complete. */
  #open = 0;
  #completed: { readonly atMs: number; readonly monotonicMs: number } | undefined;

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * The time when the last evaluation of all pods was complete, epoch milliseconds. Undefined before the first is
   * complete.
   */
  get completedAtMs(): number | undefined {
    return this.#completed?.atMs;
  }

  /** Milliseconds since the last evaluation of all pods was complete; undefined before the first is complete. */
  get ageMs(): number | undefined {
    return this.#completed && this.#clock.monotonic() - this.#completed.monotonicMs;
  }

  /** Number of pods of a resync that have not been evaluated yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Calls the listener with the time of each completion. Returns an unsubscribe function. */
  subscribe(listener: (completedAtMs: number) => void): () => void {
    return this.#completions.subscribe(listener);
  }

  /** Begins a resync. Its pods must be added between this call and `close`. */
  open(): void {
    this.#open += 1;
  }

  /** Adds a pod of a resync. */
  add(key: string): void {
    this.#pending.add(key);
  }

  /** Must be called when all pods of the resync have been added. */
  close(): void {
    this.#open -= 1;
    this.#completeWhenDone();
  }

  /** Adds a pod that the periodic recheck has enqueued. */
  due(key: string): void {
    this.#due.add(key);
  }

  /** Removes an evaluated pod. A pod whose evaluation failed stays pending until a retry succeeds. */
  evaluated(key: string): void {
    this.#due.delete(key);
    this.#late?.delete(key);
    const wasPending = this.#pending.delete(key);
    const endsInterval = this.#endsInterval();
    if (wasPending || endsInterval) this.#completeWhenDone();
  }

  /**
   * Ends a recheck interval, in which each pod was due once. The interval is complete as soon as all pods that were due
   * in it have been evaluated. Has no effect while pods of the interval before have not been evaluated.
   */
  endInterval(): void {
    if (this.#late !== undefined) return;
    this.#late = this.#due;
    this.#due = new Set();
    if (this.#endsInterval()) this.#completeWhenDone();
  }

  /** Returns whether all pods of the last interval have now been evaluated. */
  #endsInterval(): boolean {
    if (this.#late === undefined || this.#late.size > 0) return false;
    this.#late = undefined;
    return true;
  }

  #completeWhenDone(): void {
    if (this.#open > 0 || this.#pending.size > 0) return;
    const atMs = this.#clock.now();
    this.#completed = { atMs, monotonicMs: this.#clock.monotonic() };
    this.#completions.notify(atMs);
  }
}
