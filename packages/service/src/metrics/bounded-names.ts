/** The label value of all names over the limit. */
export const OTHER = 'other';

/**
 * Bounds the values of a label whose set is chosen by an administrator, such as the hosts of the registries file. Such a
 * set is small, but reloads and new objects could add values without end.
 */
export class BoundedNames {
  readonly #max: number;
  readonly #names = new Set([OTHER]);

  /** @param max the maximum number of label values, `other` included */
  constructor(max: number) {
    this.#max = max;
  }

  /** Returns the label value of a name: the name itself, or `other` if there are too many names. */
  label(name: string): string {
    if (this.#names.size < this.#max) this.#names.add(name);
    return this.#names.has(name) ? name : OTHER;
  }
}
