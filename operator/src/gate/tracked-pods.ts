import { GATE_INSPECTING } from '@archpolicy/core';
import type { JsonObject, PodFacts } from '@archpolicy/core';
import { versionOf } from './pod-calls.ts';

/** Whether the pod waits for us. One that is being deleted waits for nothing. */
export function isOurs({ schedulingGates, deleting }: PodFacts): boolean {
  return !deleting && schedulingGates.includes(GATE_INSPECTING);
}

/** What is remembered of a pod while it is gated. */
export interface TrackedPod {
  readonly uid: string;
  /** When we saw it first, by our monotonic clock: a wrong clock cannot keep it gated. */
  readonly firstSeenMs: number;
  /** Passes over the ladder that failed since it was last read. */
  passes: number;
  /** Conflicts with other writers in a row. */
  conflicts: number;
  /** It was told that the pod waits. */
  told: boolean;
  /** Its gate is lifted, or it is gone; the watch has not told so yet. */
  finished: boolean;
}

/** Whole pods kept for those who wait: about 25 KB each. More are read again when their turn comes. */
const MAX_KEPT = 1_000;

/** The pods behind our gate, as far as this process knows, by key. */
export class TrackedPods {
  readonly #tracked = new Map<string, TrackedPod>();
  /** In the order in which they were kept. */
  readonly #kept = new Map<string, { readonly shown: string; readonly raw: JsonObject }>();

  /** Pods that still wait. */
  get waiting(): number {
    let waiting = 0;
    for (const { finished } of this.#tracked.values()) if (!finished) waiting += 1;
    return waiting;
  }

  has(key: string): boolean {
    return this.#tracked.has(key);
  }

  keys(): Iterable<string> {
    return this.#tracked.keys();
  }

  /** What is remembered of the pod; begun anew for another pod of the same name. */
  of(key: string, { uid }: PodFacts, nowMs: number): TrackedPod {
    const known = this.#tracked.get(key);
    if (known?.uid === uid) return known;
    this.#kept.delete(key);
    const tracked = { uid, firstSeenMs: nowMs, passes: 0, conflicts: 0, told: false, finished: false };
    this.#tracked.set(key, tracked);
    return tracked;
  }

  forget(key: string): void {
    this.#tracked.delete(key);
    this.#kept.delete(key);
  }

  /**
   * Keeps a pod as read, so that it need not be read again while nobody changes it.
   *
   * @param shown the version that the watch had shown by then
   */
  keep(key: string, shown: string, raw: JsonObject): void {
    this.#kept.delete(key);
    this.#kept.set(key, { shown, raw });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** The pod as read, where it is kept and the watch has shown nothing newer than that since. */
  kept(key: string, shown: string): JsonObject | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && (kept.shown === shown || versionOf(kept.raw) === shown) ? kept.raw : undefined;
  }

  /** The pod need not be kept any more. */
  drop(key: string): void {
    this.#kept.delete(key);
  }
}
