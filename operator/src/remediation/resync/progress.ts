/** When all pods have been looked at: once after the start, then once in every recheck interval. */
export class Passes {
  readonly #pending = new Set<string>();
  /** Of the periodic recheck: those whose turn has come. */
  readonly #due = new Set<string>();
  /** Passes whose pods are still being named: none is complete before all are. */
  #open = 0;
  #completedAtMs: number | undefined;

  /** Epoch milliseconds of the last time at which every pod had been looked at; undefined before the first. */
  get completedAtMs(): number | undefined {
    return this.#completedAtMs;
  }

  /** A pass begins. Its pods are named by `add`, until `close`. */
  open(): void {
    this.#open += 1;
  }

  /** This one is to be looked at. */
  add(key: string): void {
    this.#pending.add(key);
  }

  /** All pods of the pass have been named. Whether all of them have been looked at by now. */
  close(nowMs: number): boolean {
    this.#open -= 1;
    return this.#complete(nowMs);
  }

  /** The turn of this one within the recheck interval has come. */
  due(key: string): void {
    this.#due.add(key);
  }

  /**
   * Looks at this one. Where that throws, it has not been looked at: it stays to be, and is when it is tried again.
   * @param onLast told when it was the last
   */
  async look<T>(key: string, look: () => Promise<T>, nowMs: () => number, onLast: () => void): Promise<T> {
    const result = await look();
    if (this.done(key, nowMs())) onLast();
    return result;
  }

  /** This one has been. Whether it was the last. */
  done(key: string, nowMs: number): boolean {
    this.#due.delete(key);
    return this.#pending.delete(key) && this.#complete(nowMs);
  }

  /** An interval in which each pod has had its turn has passed. Whether all of them have been looked at. */
  renew(nowMs: number): boolean {
    return this.#due.size === 0 && this.#complete(nowMs);
  }

  #complete(nowMs: number): boolean {
    if (this.#open > 0 || this.#pending.size > 0) return false;
    this.#completedAtMs = nowMs;
    return true;
  }
}
