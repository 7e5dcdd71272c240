import { Listeners } from '../../listeners.ts';

/**
 * Tracks when all pods were last evaluated. All pods are evaluated after the start, after each change of policies, and
 * once in every recheck interval.
 */
export class ResyncProgress {
  readonly #completions = new Listeners<number>();
  /** Pods that a resync has enqueued and that still wait for their evaluation. */
  readonly #pending = new Set<string>();
  /** Pods that the periodic recheck has enqueued and that still wait for their evaluation. */
  readonly #due = new Set<string>();
  /** Number of resyncs whose pods are still being added. Such a resync is not complete. */
  #open = 0;
  #completedAtMs: number | undefined;

  /** The last time at which every pod had been evaluated, epoch milliseconds. Undefined before the first. */
  get completedAtMs(): number | undefined {
    return this.#completedAtMs;
  }

  /** Calls the listener with the time of each completion. Returns an unsubscribe function. */
  subscribe(listener: (completedAtMs: number) => void): () => void {
    return this.#completions.subscribe(listener);
  }

  /** Begins a resync. Its pods are added until `close`. */
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
   * Completes a recheck interval, in which each pod was due once, unless a pod of it still waits for its evaluation.
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
