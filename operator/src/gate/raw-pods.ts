import { isGated, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { versionOf } from './pod-calls.ts';

/**
 * Gated pods that are kept whole: about 25 KB each. A patch is made from the whole pod; one that is not kept is read
 * when its turn comes. Those that came first are worked on first: when it is full, later ones are not kept.
 */
const MAX_KEPT = 2_000;

interface Kept {
  readonly raw: JsonObject;
  /** The version that the watch had shown when the pod was kept. */
  readonly shown: string;
}

/** Gated pods as the API server sent them. */
export class RawPods {
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** To be shown every pod that is listed or watched; keeps the gated ones. */
  see(raw: JsonObject): void {
    const metadata = objectAt(raw, 'metadata');
    const key = `${textAt(metadata, 'namespace') ?? ''}/${textAt(metadata, 'name') ?? ''}`;
    if (isGated(raw)) this.keep(key, versionOf(raw), raw);
    else this.#kept.delete(key);
  }

  /** Keeps a pod as read. `shown` is the version that the watch has shown by now. */
  keep(key: string, shown: string, raw: JsonObject): void {
    if (this.#kept.size < MAX_KEPT || this.#kept.has(key)) this.#kept.set(key, { raw, shown });
  }

  /** The pod, where it is kept and the watch has shown nothing newer than that since. */
  get(key: string, shown: string): JsonObject | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && (kept.shown === shown || versionOf(kept.raw) === shown) ? kept.raw : undefined;
  }

  drop(key: string): void {
    this.#kept.delete(key);
  }
}
