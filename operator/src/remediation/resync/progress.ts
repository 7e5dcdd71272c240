import { Listeners } from '../../listeners.ts';

/**
 * Tracks when all pods were last evaluated. All pods are evaluated after the start, after each change of policies, and
 * once in every recheck interval.
 */
export class ResyncProgress {
  readonly #completions = new Listeners<number>();
  /** The pods that a resync has enqueued and that have not been evaluated since. */
  readonly #pending = new Set<string>();
  /** The pods that the periodic recheck has enqueued and that have not been evaluated since. */
  readonly #due = new Set<string>();
  /** Number of resyncs whose pods are still being added. Such a resync is not complete. */
  #open = 0;
  #completedAtMs: number | undefined;

  /**
   * The time when the last evaluation of all pods was complete, epoch milliseconds. Undefined before the first is
   * complete.
   */
  get completedAtMs(): number | undefined {
    return this.#completedAtMs;
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
  close(nowMs: number): void {
    this.#open -= 1;
    this.#completeWhenDone(nowMs);
  }

  /** Adds a pod that the periodic recheck has enqueued. */
  due(key: string): void {
    this.#due.add(key);
  }

  /** Removes an evaluated pod. A pod whose evaluation failed stays pending until a retry succeeds. */
  evaluated(key: string, nowMs: number): void {
    this.#due.delete(key);
    if (this.#pending.delete(key)) this.#completeWhenDone(nowMs);
  }

  /**
   * Must be called at the end of each recheck interval, in which each pod was due once. The interval counts as complete
   * unless a pod that was due has not been evaluated yet.
   */
  renew(nowMs: number): void {
    if (this.#due.size === 0) this.#completeWhenDone(nowMs);
  }

  #completeWhenDone(nowMs: number): void {
    if (this.#open > 0 || this.#pending.size > 0) return;
    this.#completedAtMs = nowMs;
    this.#completions.notify(nowMs);
  }
}
