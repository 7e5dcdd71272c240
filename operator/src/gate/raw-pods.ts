import { isGated, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { versionOf } from './pod-calls.ts';

/**
 * Maximum number of cached gated pods, about 25 KB each. A patch needs the complete pod; a pod that is not cached is read from
 * the API server. Pods are processed in FIFO order, so a full cache keeps the earlier ones.
 */
const MAX_KEPT = 2_000;

interface Kept {
  readonly raw: JsonObject;
  /** The version of the watch when the pod was cached. */
  readonly shown: string;
}

/** Caches gated pods as the API server sent them. */
export class RawPods {
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** Call it with every pod that is listed or watched. Caches the gated ones. */
  see(raw: JsonObject): void {
    const metadata = objectAt(raw, 'metadata');
    const key = `${textAt(metadata, 'namespace') ?? ''}/${textAt(metadata, 'name') ?? ''}`;
    if (isGated(raw)) this.keep(key, versionOf(raw), raw);
    else this.#kept.delete(key);
  }

  /** Caches a pod as read. `shown` is the current version of the watch. */
  keep(key: string, shown: string, raw: JsonObject): void {
    if (this.#kept.size < MAX_KEPT || this.#kept.has(key)) this.#kept.set(key, { raw, shown });
  }

  /** Returns the pod if it is cached and the watch has not delivered a newer version. */
  get(key: string, shown: string): JsonObject | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && (kept.shown === shown || versionOf(kept.raw) === shown) ? kept.raw : undefined;
  }

  drop(key: string): void {
    this.#kept.delete(key);
  }
}
