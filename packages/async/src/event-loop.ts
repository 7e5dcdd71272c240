/** Resolves in the next turn of the event loop, after pending I/O callbacks have run. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * Splits long synchronous work by a yield to the event loop after every `units` units. Concurrent workers may share one
 * instance: yields that are due at the same time share one turn of the event loop.
 */
export class PeriodicYield {
  readonly #units: number;
  #done = 0;
  #yielding: Promise<void> | undefined;

  constructor(units: number) {
    this.#units = units;
  }

  /**
   * Counts finished work. Returns a promise to await if a yield is due, else undefined, so that most calls create no
   * promise.
   */
  count(units = 1): Promise<void> | undefined {
    this.#done += units;
    if (this.#done < this.#units) return undefined;
    this.#yielding ??= yieldToEventLoop().then(() => {
      this.#done = 0;
      this.#yielding = undefined;
    });
    return this.#yielding;
  }
}
