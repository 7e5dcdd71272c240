/**
 * Minimum number of consumed slots that are cut off at once. The consumed slots must also be at least half of the
 * array, so that the cost per item is constant.
 */
const MIN_CUT = 1_024;

/**
 * A first-in-first-out queue with constant-time operations, which does not retain consumed items. (`Array.shift` moves
 * all items. A Set skips all deleted elements to find its first element, so that emptying a queue of 100,000 keys would
 * take seconds.)
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest item; undefined when the queue is empty. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes and returns the oldest item; undefined when the queue is empty. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= MIN_CUT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
