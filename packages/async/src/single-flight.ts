/** Runs one piece of work per key at a time: concurrent callers with the same key share its result. */
export class SingleFlight<T> {
  readonly #inFlight = new Map<string, Promise<T>>();

  /** Returns the work in flight for the key, or starts the work if there is none. Callers also share a rejection. */
  do(key: string, start: () => Promise<T>): Promise<T> {
    const inFlight = this.#inFlight.get(key);
    if (inFlight !== undefined) return inFlight;
    const work = start().finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, work);
    return work;
  }

  /** The work in flight for the key. */
  get(key: string): Promise<T> | undefined {
    return this.#inFlight.get(key);
  }
}
