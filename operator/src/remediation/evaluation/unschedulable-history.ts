import { isUnschedulable } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { Clock } from '@archpolicy/async';
import type { StoreEvent } from '@archpolicy/kube';

/**
 * Since when pods with our additions have been looking for a node (R9). The condition's own time does not show it: the scheduler
 * keeps that time from one reason to another, so that it includes the time behind scheduling gates
 * (https://github.com/kubernetes/kubernetes/issues/122164). It belongs to the process, not to a term: a standby that takes over
 * has seen the same.
 */
export class UnschedulableHistory {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** By UID, monotonic milliseconds. */
  readonly #since = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** To be called with every change of a pod, before the pod is evaluated for it. */
  onPodChanged({ type, object }: StoreEvent<PodFacts>): void {
    if (type === 'deleted' || !isUnschedulable(object)) this.#since.delete(object.uid);
    else if (!this.#since.has(object.uid)) this.#since.set(object.uid, this.#clock.monotonic());
  }

  /** Milliseconds since the pod was first seen without a node; 0 for one that was not. */
  forMs(uid: string): number {
    const since = this.#since.get(uid);
    return since === undefined ? 0 : this.#clock.monotonic() - since;
  }

  /** How many pods are remembered. */
  get size(): number {
    return this.#since.size;
  }
}
