/** The listeners of one kind of change: lets a part notify parts that are constructed after it. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Returns the function that unsubscribes the listener. */
  subscribe(listener: (value: T) => void): () => void {
    // A function of its own, so that one listener can subscribe twice.
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
