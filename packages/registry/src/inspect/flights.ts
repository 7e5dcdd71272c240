/** Shares one piece of work among all who ask for it while it runs (K4, within this process). */
export class Flights<T> {
  readonly #running = new Map<string, Promise<T>>();

  /** The running work of this key, or `start`ed now. Rejections are shared too. */
  join(key: string, start: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const flight = start().finally(() => this.#running.delete(key));
    this.#running.set(key, flight);
    return flight;
  }

  running(key: string): Promise<T> | undefined {
    return this.#running.get(key);
  }
}
