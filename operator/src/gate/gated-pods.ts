import { hasGate, isTerminalOrTerminating } from '@archpolicy/core';
import type { LiftPatch, PodFacts } from '@archpolicy/core';
import type { StoreEvent } from '@archpolicy/kube';

/** Whether the pod has our gate and still waits for its removal. False for a terminal or terminating pod. */
export function hasPendingGate(pod: PodFacts): boolean {
  return !isTerminalOrTerminating(pod) && hasGate(pod);
}

/** The state of a gated pod. */
export interface GatedPod {
  readonly uid: string;
  /**
   * The time of the pod's first observation, monotonic milliseconds. It does not depend on the wall clock, so that a
   * wrong wall clock cannot keep the pod gated.
   */
  readonly firstSeenMs: number;
  /** Number of passes in which no patch of the pod succeeded. */
  passes: number;
  /** The last patch to which the API server responded with 500. */
  answered500: LiftPatch | undefined;
  /** Number of consecutive conflicts with other writers. */
  conflicts: number;
  /** Whether the event about the waiting pod has been recorded. */
  waitReported: boolean;
  /**
   * The resource version that the watch had delivered when the pod's gate was lifted or the pod was found deleted. If a
   * newer version of the pod still has the gate, the pod is reconciled again.
   */
  finished: string | undefined;
}

/** The observed pods with our gate, by key. */
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

  /** Returns the state of the pod. A new pod of the same name gets a new state. */
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

/** The ages of the gated pods in the view. Each replica has them, because they must be visible if no replica leads. */
export class GateAges {
  /** The creation time of each gated pod, epoch milliseconds, by the key of the pod. */
  readonly #createdAtMs = new Map<string, number>();

  /** Must be called for each change of a pod. */
  onPodChanged({ type, key, object }: StoreEvent<PodFacts>): void {
    if (type !== 'deleted' && hasPendingGate(object)) this.#createdAtMs.set(key, object.createdAtMs);
    else this.#createdAtMs.delete(key);
  }

  /** The number of gated pods. */
  get size(): number {
    return this.#createdAtMs.size;
  }

  /** Returns the age of the oldest gated pod, or 0 if no pod is gated. */
  oldestMs(nowMs: number): number {
    let oldestMs = nowMs;
    for (const createdAtMs of this.#createdAtMs.values()) oldestMs = Math.min(oldestMs, createdAtMs);
    return nowMs - oldestMs;
  }
}
