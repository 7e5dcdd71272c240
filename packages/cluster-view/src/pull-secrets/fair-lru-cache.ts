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

/** The entries of one namespace, in the order of their last use. */
interface Share<E> {
  readonly entries: Map<string, E>;
  bytes: number;
}

/**
 * A map with limits for entries and bytes, which namespaces share. Over a limit it evicts the least recently used entry
 * of the namespace that uses most, so that a namespace with many or large objects evicts only its own.
 */
export class FairLruCache<E extends Sized> {
  readonly #limits: LruLimits;
  /** No share is empty. */
  readonly #shares = new Map<string, Share<E>>();
  #size = 0;
  #bytes = 0;

  constructor(limits: LruLimits) {
    this.#limits = limits;
  }

  get(namespace: string, name: string): E | undefined {
    const entries = this.#shares.get(namespace)?.entries;
    const entry = entries?.get(name);
    if (entries === undefined || entry === undefined) return undefined;
    entries.delete(name);
    entries.set(name, entry);
    return entry;
  }

  set(namespace: string, name: string, entry: E): void {
    this.#remove(namespace, name);
    let share = this.#shares.get(namespace);
    if (share === undefined) this.#shares.set(namespace, (share = { entries: new Map<string, E>(), bytes: 0 }));
    share.entries.set(name, entry);
    this.#count(share, 1, entry);
    while (this.#size > this.#limits.maxEntries || this.#bytes > this.#limits.maxBytes) this.#evict();
  }

  get size(): number {
    return this.#size;
  }

  #evict(): void {
    let largest: { readonly namespace: string; readonly share: Share<E> } | undefined;
    for (const [namespace, share] of this.#shares) {
      if (largest === undefined || this.#use(share) > this.#use(largest.share)) largest = { namespace, share };
    }
    const [oldest] = largest?.share.entries.keys() ?? [];
    if (largest !== undefined && oldest !== undefined) this.#remove(largest.namespace, oldest);
  }

  /** The part of the cache that a namespace uses, of entries or of bytes. */
  #use({ entries, bytes }: Share<E>): number {
    return Math.max(entries.size / this.#limits.maxEntries, bytes / this.#limits.maxBytes);
  }

  #remove(namespace: string, name: string): void {
    const share = this.#shares.get(namespace);
    const entry = share?.entries.get(name);
    if (share === undefined || entry === undefined) return;
    share.entries.delete(name);
    this.#count(share, -1, entry);
    if (share.entries.size === 0) this.#shares.delete(namespace);
  }

  #count(share: Share<E>, entries: 1 | -1, { bytes: content }: E): void {
    const bytes = entries * (content + OVERHEAD_BYTES);
    share.bytes += bytes;
    this.#bytes += bytes;
    this.#size += entries;
  }
}
