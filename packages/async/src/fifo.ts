/** Consumed slots are cut off once there are this many and they are half of the array: a constant cost per item. */
const MIN_CUT = 1_024;

/**
 * A first-in-first-out queue with constant-time operations that does not retain consumed items. (`Array.shift` moves all
 * items; finding the first element of a Set skips all that were deleted before it, and a queue of 100,000
 * keys would take seconds to empty.)
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
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
