import { MAX_RELAXED } from '@archpolicy/core';
import { namespaceOfWorkload } from './relaxation-entry.ts';
import type { WorkloadRelaxation } from './relaxation-entry.ts';

/**
 * The requested relaxations of one policy that are not in its status yet. Their number is limited to what the status
 * can contain. If the list is full, a new request may replace a request of the namespace with the most requests.
 */
export class RequestedRelaxations {
  /** The relaxations that a policy's status does not contain yet, by the name of the policy. */
  readonly #requested = new Map<string, WorkloadRelaxation>();

  list(): readonly WorkloadRelaxation[] {
    return [...this.#requested.values()];
  }

  add(relaxation: WorkloadRelaxation): void {
    this.#requested.set(relaxation.workload, relaxation);
  }

  delete(workload: string): void {
    this.#requested.delete(workload);
  }

  /**
   * Returns whether a request of this workload can be added. If the list is full, drops the latest request of the
   * namespace with the most requests, if that namespace has at least two more than the workload's namespace. With a
   * difference of one, the two namespaces would displace each other's requests repeatedly.
   */
  makeRoomFor(workload: string): boolean {
    if (this.#requested.has(workload)) return false;
    if (this.#requested.size < MAX_RELAXED) return true;
    const byNamespace = Map.groupBy(this.#requested.keys(), namespaceOfWorkload);
    const own = byNamespace.get(namespaceOfWorkload(workload))?.length ?? 0;
    const most = [...byNamespace.values()].reduce((one, other) => (other.length > one.length ? other : one));
    const dropped = most.at(-1);
    if (dropped === undefined || most.length < own + 2) return false;
    this.#requested.delete(dropped);
    return true;
  }
}
