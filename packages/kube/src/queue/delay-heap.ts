/** A binary heap of items, with the earliest due item first. It is fast even with 100,000 delayed items. */
export class DelayHeap<K> {
  readonly #items: DelayedItem<K>[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): DelayedItem<K> | undefined {
    return this.#items[0];
  }

  push(item: DelayedItem<K>): void {
    this.#items.push(item);
    let index = this.#items.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#dueAt(parent) <= item.dueAt) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  pop(): DelayedItem<K> | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (first === undefined || last === undefined || this.#items.length === 0) return first;
    this.#items[0] = last;
    for (let index = 0; ;) {
      const child = this.#earlierChild(index);
      if (this.#dueAt(child) >= this.#dueAt(index)) return first;
      this.#swap(index, child);
      index = child;
    }
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1;
    return this.#dueAt(left + 1) < this.#dueAt(left) ? left + 1 : left;
  }

  #dueAt(index: number): number {
    return this.#items[index]?.dueAt ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const [itemA, itemB] = [this.#items[a], this.#items[b]];
    if (itemA === undefined || itemB === undefined) return;
    this.#items[a] = itemB;
    this.#items[b] = itemA;
  }
}

export interface DelayedItem<K> {
  readonly key: K;
  /** Monotonic milliseconds. */
  readonly dueAt: number;
}
