/** What entries cost beside their content, roughly: keys, times and the map itself. */
const OVERHEAD_BYTES = 500;

/** What is kept, with its size. */
interface Sized {
  /** Of the content, bytes. */
  readonly bytes: number;
}

export interface LruLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** A map bounded in number and bytes, in which what was used last is kept longest. */
export class LruCache<E extends Sized> {
  readonly #limits: LruLimits;
  /** A Map keeps the order of insertion: what is used is put in again. */
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
