import type { LeaseObject } from './lease-object.ts';

/** A Lease as this process has last read it. */
export interface LeaseState {
  /** Time since the last observed change. */
  readonly ageMs: number;
  /** How often the Lease has changed its holder. */
  readonly transitions: number;
}

/**
 * Tracks the time since the last observed change of a Lease, by the local monotonic clock. `renewTime` is a time of the holder's clock,
 * so it is compared only with its previous value.
 */
export class LeaseTracker {
  #lease: LeaseObject | undefined;
  #changedAt = 0;
  #changes = 0;

  /** The Lease, as the last read returned it. */
  get lease(): LeaseObject | undefined {
    return this.#lease;
  }

  /** The number of observed changes. The first read does not count, because the holder may have crashed before it. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Records a read. `at` is the monotonic time (milliseconds) before the read, so that the computed age is never lower
   * than the real age.
   */
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

  /** Returns the state of the Lease, or undefined if the last read found none. */
  state(now: number): LeaseState | undefined {
    return this.#lease && { ageMs: this.ageMs(now), transitions: this.#lease.transitions };
  }
}
