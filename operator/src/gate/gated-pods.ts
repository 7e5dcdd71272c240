import { hasGate, isTerminalOrTerminating } from '@archpolicy/core';
import type { LiftPatch, PodFacts } from '@archpolicy/core';

/** Whether the pod waits behind our gate. A terminal or terminating pod does not. */
export function hasPendingGate(pod: PodFacts): boolean {
  return !isTerminalOrTerminating(pod) && hasGate(pod);
}

/** The state of a gated pod. */
export interface GatedPod {
  readonly uid: string;
  /** When it was first observed, monotonic milliseconds: a wrong wall clock cannot keep it gated. */
  readonly firstSeenMs: number;
  /** Failed passes over the patches. */
  passes: number;
  /** The last patch that got a 500. */
  answered500: LiftPatch | undefined;
  /** Conflicts with other writers in a row. */
  conflicts: number;
  /** Whether the event that the pod waits was recorded. */
  waitReported: boolean;
  /**
   * The version of the watch when the gate was lifted or the pod was found deleted. A newer version that is still gated is
   * reconciled again.
   */
  finished: string | undefined;
}

/** The observed pods behind our gate, by key. */
export class GatedPods {
  readonly #tracked = new Map<string, GatedPod>();

  /** The number of pods that still wait. */
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

  /** Returns the state of the pod, new for another pod of the same name. */
  track(key: string, { uid }: PodFacts, nowMs: number): GatedPod {
    const known = this.#tracked.get(key);
    if (known?.uid === uid) return known;
    const tracked = {
      uid,
      firstSeenMs: nowMs,
      passes: 0,
      answered500: undefined,
      conflicts: 0,
      waitReported: false,
      finished: undefined,
    };
    this.#tracked.set(key, tracked);
    return tracked;
  }

  drop(key: string): void {
    this.#tracked.delete(key);
  }
}
