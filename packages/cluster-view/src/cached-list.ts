import type { ReadStore } from '@archpolicy/kube';

/** Caches the objects of a store as one array until the next change, because each admission lists them. */
export class CachedList<T, R> {
  readonly #store: ReadStore<T>;
  readonly #select: (objects: readonly T[]) => readonly R[];
  #cached: readonly R[] | undefined;

  constructor(store: ReadStore<T>, select: (objects: readonly T[]) => readonly R[]) {
    this.#store = store;
    this.#select = select;
    store.subscribe(() => {
      this.#cached = undefined;
    });
  }

  get(): readonly R[] {
    this.#cached ??= this.#select(this.#store.list());
    return this.#cached;
  }
}
