/** Returns a value equal to the given one, an earlier one if it is still kept. Plain data only. */
export type Intern = <T extends object | string>(value: T) => T;

/**
 * Lets equal values be one value in memory. The pods of a workload differ in little: labels, images, affinity, tolerations
 * and what their healthy containers say are the same for all.
 *
 * Bounded without bookkeeping: values live in two generations, the older of which is dropped whole when the younger is
 * full. A value that was dropped too early costs a second copy, nothing else.
 */
export class Interner {
  readonly #maxPerGeneration: number;
  #young = new Map<string, unknown>();
  #old = new Map<string, unknown>();

  constructor(maxPerGeneration: number) {
    this.#maxPerGeneration = maxPerGeneration;
  }

  readonly intern: Intern = <T extends object | string>(value: T): T => {
    // The first character keeps apart a string and an object whose JSON it is.
    const text = typeof value === 'string' ? `s${value}` : `o${JSON.stringify(value)}`;
    const young = this.#young.get(text);
    if (young !== undefined) return young as T;
    const shared = this.#old.get(text) ?? value;
    if (this.#young.size >= this.#maxPerGeneration) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, shared);
    return shared as T;
  };
}
