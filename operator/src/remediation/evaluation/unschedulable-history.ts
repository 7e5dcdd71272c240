import { isUnschedulable } from '@archpolicy/core';
import type { PodFacts } from '@archpolicy/core';
import type { Clock } from '@archpolicy/async';
import type { StoreEvent } from '@archpolicy/kube';

/**
 * Records since when pods with additions of ArchPolicy have been unschedulable (R9). The time in the pod's condition
 * cannot be used, because it includes the time behind scheduling gates: the scheduler does not update it when the
 * reason of the condition changes (https://github.com/kubernetes/kubernetes/issues/122164). A standby also records
 * this, so that nothing is lost when it becomes the leader.
 */
export class UnschedulableHistory {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** The time at which each pod was first observed as unschedulable, monotonic milliseconds, by UID. */
  readonly #since = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Must be called for every change of a pod, before the pod is evaluated. */
  onPodChanged({ type, object }: StoreEvent<PodFacts>): void {
    if (type === 'deleted' || !isUnschedulable(object)) this.#since.delete(object.uid);
    else if (!this.#since.has(object.uid)) this.#since.set(object.uid, this.#clock.monotonic());
  }

  /**
   * Returns the milliseconds since the pod was first observed as unschedulable. Returns 0 if the pod is not
   * unschedulable.
   */
  forMs(uid: string): number {
    const since = this.#since.get(uid);
    return since === undefined ? 0 : this.#clock.monotonic() - since;
  }

  /** Number of recorded pods. */
  get size(): number {
    return this.#since.size;
  }
}
