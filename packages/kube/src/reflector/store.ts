/** What happened to an object of a store. */
export type StoreEvent<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: T; readonly previous?: undefined }
  | { readonly type: 'updated'; readonly key: string; readonly object: T; readonly previous: T }
  /** `object` is the last state that was seen. */
  | { readonly type: 'deleted'; readonly key: string; readonly object: T; readonly previous: T };

export type StoreListener<T> = (event: StoreEvent<T>) => void;

/** Values under which an index files an object: none, one or several. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** The reading side of a store. Keys are `namespace/name`, or `name` for cluster-scoped objects. */
export interface ReadStore<T> {
  readonly size: number;
  get(key: string): T | undefined;
  /** All objects, in no particular order; a new array. */
  list(): readonly T[];
  /** All objects with their keys, as they are when each has its turn: nothing is copied. */
  entries(): Iterable<readonly [string, T]>;
  /** The objects that the index files under this value. Throws a RangeError for an index that was not declared. */
  byIndex(index: string, value: string): readonly T[];
  /** Calls the listener after each change from now on. Returns the function that ends it. */
  subscribe(listener: StoreListener<T>): () => void;
}

export interface StoreOptions<T> {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /**
   * What tells an object from a later one of the same name (`metadata.uid`): with it, a change of uid is told as a
   * deletion and an addition. Without it, as an update.
   */
  readonly uid?: (object: T) => string;
  /** Whether an update carries nothing new for us (a node's heartbeat): such updates are not told. */
  readonly isUnchanged?: (a: T, b: T) => boolean;
  /** A listener threw. The store goes on; this is where it is told. */
  readonly onListenerError?: (error: unknown) => void;
}

/** Objects by key, with indexes and listeners. Written by one reflector. */
export class Store<T> implements ReadStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: readonly Index<T>[];
  readonly #listeners = new Set<StoreListener<T>>();
  readonly #options: StoreOptions<T>;

  constructor(options: StoreOptions<T> = {}) {
    this.#options = options;
    this.#indexes = Object.entries(options.indexes ?? {}).map(([name, getValues]) => ({
      name,
      getValues,
      keys: new Map(),
    }));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  entries(): Iterable<readonly [string, T]> {
    return this.#objects;
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.find(({ name }) => name === index);
    if (found === undefined) throw new RangeError(`no such index: ${index}`);
    const objects: T[] = [];
    for (const key of found.keys.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) objects.push(object);
    }
    return objects;
  }

  subscribe(listener: StoreListener<T>): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Adds or replaces an object. */
  set(key: string, object: T): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) {
      this.#objects.set(key, object);
      for (const { keys, getValues } of this.#indexes) addToIndex(keys, key, getValues(object));
      this.#notify({ type: 'added', key, object });
      return;
    }
    if (this.#isReplacement(previous, object)) {
      this.delete(key);
      this.set(key, object);
      return;
    }
    if (this.#options.isUnchanged?.(previous, object) === true) return;
    this.#objects.set(key, object);
    for (const index of this.#indexes) this.#updateIndex(index, key, previous, object);
    this.#notify({ type: 'updated', key, object, previous });
  }

  delete(key: string): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#objects.delete(key);
    for (const { keys, getValues } of this.#indexes) removeFromIndex(keys, key, getValues(previous));
    this.#notify({ type: 'deleted', key, object: previous, previous });
  }

  #isReplacement(previous: T, object: T): boolean {
    const { uid } = this.#options;
    return uid !== undefined && uid(previous) !== uid(object);
  }

  /** An object that stays where it is filed costs nothing, and its key stays the one string that it was. */
  #updateIndex({ keys, getValues }: Index<T>, key: string, previous: T, object: T): void {
    const before = getValues(previous);
    const after = getValues(object);
    if (before === after || isEqualList(before, after)) return;
    removeFromIndex(keys, key, before);
    addToIndex(keys, key, after);
  }

  #notify(event: StoreEvent<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#options.onListenerError?.(error);
      }
    }
  }
}

interface Index<T> {
  readonly name: string;
  readonly getValues: IndexFunction<T>;
  readonly keys: Map<string, Set<string>>;
}

function addToIndex(keys: Index<unknown>['keys'], key: string, values: readonly string[]): void {
  for (const value of values) {
    const indexedKeys = keys.get(value);
    if (indexedKeys === undefined) keys.set(value, new Set([key]));
    else indexedKeys.add(key);
  }
}

function removeFromIndex(keys: Index<unknown>['keys'], key: string, values: readonly string[]): void {
  for (const value of values) {
    const indexedKeys = keys.get(value);
    indexedKeys?.delete(key);
    if (indexedKeys?.size === 0) keys.delete(value);
  }
}

function isEqualList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
