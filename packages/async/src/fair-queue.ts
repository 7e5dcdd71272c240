/**
 * A round-robin queue: it serves one entry of each tenant in turn, and the entries of one tenant in the order of their
 * arrival. A tenant that adds many entries delays only its own entries.
 */
export class FairQueue<K, V> {
  /** Maps each tenant that has entries to its entries. The tenant that is served next comes first. */
  readonly #tenants = new Map<string, Map<K, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of entries of one tenant. */
  sizeOf(tenant: string): number {
    return this.#tenants.get(tenant)?.size ?? 0;
  }

  /** The entry that is served next. */
  get first(): V | undefined {
    for (const entries of this.#tenants.values()) return entries.values().next().value;
    return undefined;
  }

  /** All keys, tenant by tenant. */
  *keys(): Generator<K> {
    for (const entries of this.#tenants.values()) yield* entries.keys();
  }

  /**
   * Appends an entry to the entries of its tenant. If the key is queued already, it keeps its position and gets the new
   * value.
   */
  set(tenant: string, key: K, value: V): void {
    let entries = this.#tenants.get(tenant);
    if (entries === undefined) this.#tenants.set(tenant, (entries = new Map<K, V>()));
    this.#size -= entries.size;
    entries.set(key, value);
    this.#size += entries.size;
  }

  /**
   * Removes an entry and returns whether it was queued. If the entry was the first of the queue, its tenant moves to
   * the end.
   */
  delete(tenant: string, key: K): boolean {
    const entries = this.#tenants.get(tenant);
    if (!entries?.has(key)) return false;
    const [[firstTenant] = []] = this.#tenants;
    const wasFirst = firstTenant === tenant && entries.keys().next().value === key;
    this.#remove(tenant, entries, key, wasFirst);
    return true;
  }

  /** Removes and returns the oldest entry of the first tenant whose oldest entry is eligible; that tenant moves to the end. */
  take(isEligible: (value: V) => boolean = () => true): V | undefined {
    for (const [tenant, entries] of this.#tenants) {
      const [oldest] = entries;
      if (oldest === undefined || !isEligible(oldest[1])) continue;
      this.#remove(tenant, entries, oldest[0], true);
      return oldest[1];
    }
    return undefined;
  }

  /** Returns the entry that `take` would return. */
  find(isEligible: (value: V) => boolean): V | undefined {
    for (const entries of this.#tenants.values()) {
      for (const oldest of entries.values()) {
        if (isEligible(oldest)) return oldest;
        break;
      }
    }
    return undefined;
  }

  /** The entries of one tenant, the oldest first. */
  entriesOf(tenant: string): readonly V[] {
    return [...(this.#tenants.get(tenant)?.values() ?? [])];
  }

  /** The oldest entry of each tenant, of at most `maxTenants` tenants. */
  *heads(maxTenants: number): Generator<V> {
    let tenants = 0;
    for (const entries of this.#tenants.values()) {
      if (tenants >= maxTenants) return;
      tenants += 1;
      const [oldest] = entries.values();
      if (oldest !== undefined) yield oldest;
    }
  }

  #remove(tenant: string, entries: Map<K, V>, key: K, rotates: boolean): void {
    entries.delete(key);
    this.#size -= 1;
    if (entries.size > 0 && !rotates) return;
    this.#tenants.delete(tenant);
    if (entries.size > 0) this.#tenants.set(tenant, entries);
  }
}
