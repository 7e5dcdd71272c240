/** A change of an object in a store. */
export type StoreEvent<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: T; readonly previous?: undefined }
  | { readonly type: 'updated'; readonly key: string; readonly object: T; readonly previous: T }
  /** `object` is the last observed state of the deleted object. */
  | { readonly type: 'deleted'; readonly key: string; readonly object: T; readonly previous: T };

export type StoreListener<T> = (event: StoreEvent<T>) => void;

/** Returns the values under which an index lists an object: none, one or several. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** The read-only interface of a store. A key is `namespace/name`, or `name` for a cluster-scoped object. */
export interface ReadStore<T> {
  readonly size: number;
  get(key: string): T | undefined;
  /** Returns a new array of all objects, in no particular order. */
  list(): readonly T[];
  /** Iterates over all objects with their keys. It makes no copy, so changes during the iteration are visible. */
  entries(): Iterable<readonly [string, T]>;
  /** Returns the objects that an index lists under a value. Throws a RangeError for an undeclared index. */
  byIndex(index: string, value: string): readonly T[];
  /** Returns the keys of these objects, as a new array. */
  keysByIndex(index: string, value: string): readonly string[];
  /** Calls the listener after each change. Returns an unsubscribe function. */
  subscribe(listener: StoreListener<T>): () => void;
}

export interface StoreOptions<T> {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /**
   * Returns `metadata.uid`, which distinguishes an object from a later object of the same name. If this function is
   * set, the store reports an object with another uid as a deletion and an addition. If it is absent, the store reports
   * an update.
   */
  readonly uid?: (object: T) => string;
  /** Returns whether an update is irrelevant, such as a node's heartbeat. The store ignores such an update. */
  readonly isUnchanged?: (a: T, b: T) => boolean;
  /** Called with the error that a listener threw. The store still calls the other listeners. */
  readonly onListenerError?: (error: unknown) => void;
}

/** Stores objects by key, with indexes and listeners. Only one reflector writes to a store. */
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
    const objects: T[] = [];
    for (const key of this.#keys(index, value)) {
      const object = this.#objects.get(key);
      if (object !== undefined) objects.push(object);
    }
    return objects;
  }

  keysByIndex(index: string, value: string): readonly string[] {
    return [...this.#keys(index, value)];
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

  #keys(index: string, value: string): Iterable<string> {
    const found = this.#indexes.find(({ name }) => name === index);
    if (found === undefined) throw new RangeError(`no such index: ${index}`);
    return found.keys.get(value) ?? [];
  }

  #isReplacement(previous: T, object: T): boolean {
    const { uid } = this.#options;
    return uid !== undefined && uid(previous) !== uid(object);
  }

  /**
   * Moves the key between index values. If the values are unchanged, keeps the existing entry, so that the index does
   * not store another copy of the key string.
   */
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
