/** Approximate overhead of an entry: key, times and map. */
const OVERHEAD_BYTES = 500;

/** An entry with its size. */
interface Sized {
  /** Size of the content in bytes. */
  readonly bytes: number;
}

export interface LruLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** A map with limits for entries and bytes that evicts the least recently used entry. */
export class LruCache<E extends Sized> {
  readonly #limits: LruLimits;
  /**
   * The entries in the order of their last use, because a Map keeps the insertion order, and each use inserts the entry
   * again.
   */
  readonly #entries = new Map<string, E>();
  #bytes = 0;

  constructor(limits: LruLimits) {
    this.#limits = limits;
  }

  get(key: string): E | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: E): void {
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes + OVERHEAD_BYTES;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) break;
      this.#remove(oldest);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes + OVERHEAD_BYTES;
  }
}
