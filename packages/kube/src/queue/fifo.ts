/** Heads that were taken are cut off in pieces: the cost of a cut is spread over this many. */
const MIN_CUT = 1_024;

/**
 * First in, first out, in constant time. (A Set does not do: finding its first element passes over all that were deleted
 * before it, and a queue of 100,000 keys would take seconds to empty.)
 */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest; undefined when there is none. */
  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#head += 1;
    if (this.#head >= MIN_CUT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
