import { reservedBy } from '@archpolicy/core';
import type { PodFacts, ReservedRequests } from '@archpolicy/core';
import type { StoreEvent } from '@archpolicy/kube';
import type { Pods } from '../ports.ts';

const NOTHING: ReservedRequests = reservedBy([]);

/**
 * What the pods of each node reserve. An evaluation of an unschedulable pod (R9) compares the pod with every node. The
 * sums over the pods of a node are cached until one of these pods changes, because there are many more pods than nodes.
 */
export class NodeReservations {
  readonly #pods: Pick<Pods, 'byNode'>;
  /** By the name of the node. Only nodes with pods have an entry, so it is dropped with the last pod of a deleted node. */
  readonly #reserved = new Map<string, ReservedRequests>();

  constructor(pods: Pick<Pods, 'byNode'>) {
    this.#pods = pods;
  }

  /** Must be called with each change of a pod, after the index by node contains it. */
  onPodChanged(event: StoreEvent<PodFacts>): void {
    const previous = event.type === 'added' ? undefined : event.previous;
    const current = event.type === 'deleted' ? undefined : event.object;
    if (previous !== undefined && current !== undefined && reservesTheSame(previous, current)) return;
    for (const pod of [previous, current]) if (pod?.nodeName !== undefined) this.#reserved.delete(pod.nodeName);
  }

  on(node: string): ReservedRequests {
    const cached = this.#reserved.get(node);
    if (cached !== undefined) return cached;
    const pods = this.#pods.byNode(node);
    if (pods.length === 0) return NOTHING;
    const reserved = reservedBy(pods);
    this.#reserved.set(node, reserved);
    return reserved;
  }

  /** The number of nodes with a cached sum. */
  get size(): number {
    return this.#reserved.size;
  }
}

function reservesTheSame(one: PodFacts, other: PodFacts): boolean {
  return one.nodeName === other.nodeName && one.phase === other.phase && one.requests === other.requests;
}
