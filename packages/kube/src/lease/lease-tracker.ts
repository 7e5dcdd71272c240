import type { LeaseObject } from './lease-object.ts';

/**
 * Tracks the age of a Lease since its last observed change, by our own monotonic clock. The holder's clock is not used:
 * only whether `renewTime` changed.
 */
export class LeaseTracker {
  #lease: LeaseObject | undefined;
  #changedAt = 0;
  #changes = 0;

  /** The Lease as of the last read. */
  get lease(): LeaseObject | undefined {
    return this.#lease;
  }

  /** The number of observed changes. The first read does not count: its holder may have crashed before. */
  get changes(): number {
    return this.#changes;
  }

  /** Records a read. `at`: monotonic milliseconds before the read, so that the age is never too low. */
  update(lease: LeaseObject | undefined, at: number): void {
    const before = this.#lease;
    this.#lease = lease;
    if (lease === undefined) return;
    if (before?.renewTime === lease.renewTime && before.holder === lease.holder) return;
    if (before !== undefined) this.#changes += 1;
    this.#changedAt = at;
  }

  /** Returns the milliseconds since the last change; Infinity without a Lease. */
  ageMs(now: number): number {
    return this.#lease === undefined ? Infinity : now - this.#changedAt;
  }
}
