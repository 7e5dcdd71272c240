import { hasOurGate, isTerminalOrTerminating } from '@archpolicy/core';
import type { LiftPatch, PodFacts } from '@archpolicy/core';

/** Whether the pod waits for us. One that has ended or is being deleted waits for nothing. */
export function isOurs(pod: PodFacts): boolean {
  return !isTerminalOrTerminating(pod) && hasOurGate(pod);
}

/** What is remembered of a pod while it is gated. */
export interface TrackedPod {
  readonly uid: string;
  /** When we saw it first, by our monotonic clock: a wrong clock cannot keep it gated. */
  readonly firstSeenMs: number;
  /** Passes over the patches that failed. */
  passes: number;
  /** The patch that was answered 500 last. */
  answered500: LiftPatch | undefined;
  /** Conflicts with other writers in a row. */
  conflicts: number;
  /** It was told that the pod waits. */
  told: boolean;
  /**
   * Its gate is lifted, or it is gone, and the watch has not told so yet: the version that it has shown. A newer version
   * that is gated still is worked on again.
   */
  finished: string | undefined;
}

/** The pods behind our gate, as far as this process knows, by key. */
export class TrackedPods {
  readonly #tracked = new Map<string, TrackedPod>();

  /** Pods that still wait. */
  get waiting(): number {
    let waiting = 0;
    for (const { finished } of this.#tracked.values()) if (finished === undefined) waiting += 1;
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
    const tracked = {
      uid,
      firstSeenMs: nowMs,
      passes: 0,
      answered500: undefined,
      conflicts: 0,
      told: false,
      finished: undefined,
    };
    this.#tracked.set(key, tracked);
    return tracked;
  }

  forget(key: string): void {
    this.#tracked.delete(key);
  }
}
