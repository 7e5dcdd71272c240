/** The listeners for one kind of change. Lets a part notify parts that are constructed later. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Adds a listener. Returns its unsubscribe function. */
  subscribe(listener: (value: T) => void): () => void {
    // Wrapped, so that one listener can subscribe twice.
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
