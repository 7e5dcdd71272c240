import type { ReadStore } from '@archpolicy/kube';

/** The objects of a store as one array that is only made anew after a change: lists are asked for at every admission. */
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
