import type { LeaseObject } from './lease-object.ts';

/**
 * How old a Lease is by our own monotonic clock: time counts from when we saw it change. Holders' clocks are never
 * trusted, only that they wrote something new.
 */
export class LeaseTracker {
  #lease: LeaseObject | undefined;
  #changedAt = 0;
  #changes = 0;

  /** The Lease as last seen. */
  get lease(): LeaseObject | undefined {
    return this.#lease;
  }

  /** How often it was seen to change; the first sight is none, for it may be a dead holder's last word. */
  get changes(): number {
    return this.#changes;
  }

  /** Notes what was read. `at`: monotonic milliseconds from before the read, so that ages are never too young. */
  update(lease: LeaseObject | undefined, at: number): void {
    const before = this.#lease;
    this.#lease = lease;
    if (lease === undefined) return;
    if (before?.renewTime === lease.renewTime && before.holder === lease.holder) return;
    if (before !== undefined) this.#changes += 1;
    this.#changedAt = at;
  }

  /** Milliseconds since it was seen to change; Infinity when there is none. */
  ageMs(now: number): number {
    return this.#lease === undefined ? Infinity : now - this.#changedAt;
  }
}
