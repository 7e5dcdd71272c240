/** The listeners for one kind of change. Through this class, a part can notify parts that are constructed after it. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Adds a listener. Returns its unsubscribe function. */
  subscribe(listener: (value: T) => void): () => void {
    // The wrapper makes each subscription a separate entry, so that one listener can subscribe twice.
    const entry = (value: T): void => {
      listener(value);
    };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  notify(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}
