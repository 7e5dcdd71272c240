/** Returns the earlier value that is equal to this one, if it is still interned; else this value. For plain data only. */
export type Intern = <T extends object | string>(value: T) => T;

/**
 * Shares one object between equal values. The pods of a workload have equal labels, images, affinity, tolerations and
 * statuses of healthy containers.
 *
 * Two generations limit the memory: when the younger one is full, it replaces the older one, whose values are dropped.
 * If a dropped value is needed again, the only cost is a second copy.
 */
export class Interner {
  readonly #maxPerGeneration: number;
  #young = new Map<string, unknown>();
  #old = new Map<string, unknown>();

  constructor(maxPerGeneration: number) {
    this.#maxPerGeneration = maxPerGeneration;
  }

  readonly intern: Intern = <T extends object | string>(value: T): T => {
    // The first character distinguishes a string from an object with the same JSON.
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
