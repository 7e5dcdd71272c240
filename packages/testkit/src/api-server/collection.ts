import { isJsonObject } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';

/** A change of an object, as in a watch event. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: JsonObject;
}

/** The source of resource versions: one counter for all collections, as in etcd. */
export interface Versions {
  next(): number;
  readonly current: number;
}

export function newVersions(): Versions {
  let version = 100;
  return {
    next: () => {
      version += 1;
      return version;
    },
    get current() {
      return version;
    },
  };
}

/** The objects of one resource and their history since the last compaction. */
export class Collection {
  readonly objects = new Map<string, JsonObject>();
  readonly #versions: Versions;
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  #oldest = 0;

  constructor(versions: Versions) {
    this.#versions = versions;
  }

  /** Creates or replaces an object. Returns it as stored, with uid and resourceVersion. */
  put(object: JsonObject): JsonObject {
    const key = getKey(object);
    const before = this.objects.get(key);
    const version = this.#versions.next();
    const stored = {
      ...object,
      metadata: {
        uid: getMetadata(before)['uid'] ?? `uid-${version}`,
        creationTimestamp: getMetadata(before)['creationTimestamp'] ?? '2026-01-01T00:00:00Z',
        ...withoutUndefined(getMetadata(object)),
        resourceVersion: String(version),
      },
    };
    this.objects.set(key, stored);
    this.#notify({ type: before === undefined ? 'ADDED' : 'MODIFIED', version, object: stored });
    return stored;
  }

  remove(key: string): void {
    const before = this.objects.get(key);
    if (before === undefined) return;
    this.objects.delete(key);
    const version = this.#versions.next();
    const object = { ...before, metadata: { ...getMetadata(before), resourceVersion: String(version) } };
    this.#notify({ type: 'DELETED', version, object });
  }

  /** Drops the history, so that watches and pages from earlier versions expire. */
  compact(): void {
    this.#history = [];
    this.#oldest = this.#versions.current;
  }

  /** Returns the changes after this version; undefined if they were compacted (410). */
  since(version: number): readonly Change[] | undefined {
    return version < this.#oldest ? undefined : this.#history.filter((change) => change.version > version);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #notify(change: Change): void {
    this.#history.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

export function getMetadata(object: JsonObject | undefined): JsonObject {
  const metadata = object?.['metadata'];
  return isJsonObject(metadata) ? metadata : {};
}

/** Returns `namespace/name`, or `name`. */
export function getKey(object: JsonObject): string {
  const { name, namespace } = getMetadata(object);
  return [namespace, name].filter((part) => typeof part === 'string').join('/');
}

function withoutUndefined(metadata: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined && value !== ''));
}
