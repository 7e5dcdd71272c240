import { waitUnlessAborted } from '@archpolicy/async';

interface SharedLookup<T> {
  readonly work: Promise<T>;
  readonly controller: AbortController;
  callers: number;
}

/** Shared, because creating an AbortError costs more than a lookup in the cache. */
const NO_CALLERS = new Error('no caller waits for the lookup');

/** Runs one lookup for each name at a time, for all its callers, and cancels it once no caller waits for it. */
export class SharedLookups<T> {
  readonly #byName = new Map<string, SharedLookup<T>>();

  /**
   * Waits for the lookup in flight of the name, or for a new one. Returns undefined once the caller's signal aborts.
   *
   * @param start its signal aborts once no caller waits
   */
  async join(name: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const lookup = this.#byName.get(name) ?? this.#start(name, start);
    lookup.callers += 1;
    try {
      const waited = await waitUnlessAborted(lookup.work, signal);
      return waited.kind === 'done' ? waited.value : undefined;
    } finally {
      lookup.callers -= 1;
      if (lookup.callers === 0) this.#end(name, lookup);
    }
  }

  #start(name: string, start: (signal: AbortSignal) => Promise<T>): SharedLookup<T> {
    const controller = new AbortController();
    const lookup = { work: start(controller.signal), controller, callers: 0 };
    this.#byName.set(name, lookup);
    return lookup;
  }

  #end(name: string, lookup: SharedLookup<T>): void {
    // A later caller starts a new lookup instead of joining a cancelled one.
    if (this.#byName.get(name) === lookup) this.#byName.delete(name);
    lookup.controller.abort(NO_CALLERS);
  }
}
