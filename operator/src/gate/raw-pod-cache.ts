import { isGated, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { getResourceVersion } from './pod-client.ts';

/**
 * Maximum number of cached gated pods, about 25 KB each. A patch needs the complete pod, so a pod that is not cached is
 * read from the API server. A full cache keeps the pods that arrived first, because they are also processed first.
 */
const MAX_PODS = 2_000;
/** As long as this replica lifts no gates. Enough to lift the first gates after a change of leader without a read. */
const MAX_PODS_STANDBY = 200;

interface CachedPod {
  readonly raw: JsonObject;
  /** The resource version that the watch had delivered when the pod was cached. */
  readonly shown: string;
}

/** Caches gated pods as the API server sent them. */
export class RawPodCache {
  readonly pods = new Map<string, CachedPod>();
  #maxPods = MAX_PODS_STANDBY;

  get size(): number {
    return this.pods.size;
  }

  /** Raises the bound. Must be called when this replica begins to lift gates. */
  startLifting(): void {
    this.#maxPods = MAX_PODS;
  }

  /** Caches the pod if it is gated. Must be called with every pod that is listed or watched. */
  observe(raw: JsonObject): void {
    const metadata = objectAt(raw, 'metadata');
    const key = `${textAt(metadata, 'namespace') ?? ''}/${textAt(metadata, 'name') ?? ''}`;
    if (isGated(raw)) this.set(key, getResourceVersion(raw), raw);
    else this.pods.delete(key);
  }

  /** Caches a pod that was read from the API server. `shown` is the resource version that the watch delivered last. */
  set(key: string, shown: string, raw: JsonObject): void {
    if (this.pods.size < this.#maxPods || this.pods.has(key)) this.pods.set(key, { raw, shown });
  }

  /** Returns the pod if it is cached and the watch has not delivered a newer version. */
  get(key: string, shown: string): JsonObject | undefined {
    const kept = this.pods.get(key);
    return kept !== undefined && (kept.shown === shown || getResourceVersion(kept.raw) === shown)
      ? kept.raw
      : undefined;
  }

  drop(key: string): void {
    this.pods.delete(key);
  }
}
