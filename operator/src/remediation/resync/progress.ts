import { Listeners } from '../../listeners.ts';

/**
 * Tracks when all pods were last evaluated: after the start, after each change of policies, and in every recheck interval.
 */
export class ResyncProgress {
  readonly #completions = new Listeners<number>();
  /** Pods of resyncs that have not been evaluated yet. */
  readonly #pending = new Set<string>();
  /** Pods that the periodic recheck has enqueued and that have not been evaluated yet. */
  readonly #due = new Set<string>();
  /** Number of resyncs whose pods are still being added: they are not complete before. */
  #open = 0;
  #completedAtMs: number | undefined;

  /** Epoch milliseconds of the last time at which every pod had been evaluated; undefined before the first. */
  get completedAtMs(): number | undefined {
    return this.#completedAtMs;
  }

  /** The listener receives the time of each completion. Returns the function that unsubscribes it. */
  subscribe(listener: (completedAtMs: number) => void): () => void {
    return this.#completions.subscribe(listener);
  }

  /** A resync begins. Its pods are added until `close`. */
  open(): void {
    this.#open += 1;
  }

  /** Adds a pod of a resync. */
  add(key: string): void {
    this.#pending.add(key);
  }

  /** All pods of the resync have been added. */
  close(nowMs: number): void {
    this.#open -= 1;
    this.#completeWhenDone(nowMs);
  }

  /** The periodic recheck has enqueued the pod. */
  due(key: string): void {
    this.#due.add(key);
  }

  /** The pod has been evaluated. After a failed evaluation it stays pending until a retry succeeds. */
  evaluated(key: string, nowMs: number): void {
    this.#due.delete(key);
    if (this.#pending.delete(key)) this.#completeWhenDone(nowMs);
  }

  /** A recheck interval has passed, in which each pod was due once: completes it unless a pod has not been evaluated. */
  renew(nowMs: number): void {
    if (this.#due.size === 0) this.#completeWhenDone(nowMs);
  }

  #completeWhenDone(nowMs: number): void {
    if (this.#open > 0 || this.#pending.size > 0) return;
    this.#completedAtMs = nowMs;
    this.#completions.notify(nowMs);
  }
}
