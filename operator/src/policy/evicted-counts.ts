import type { ArchPolicy } from '@archpolicy/core';

interface Count {
  readonly uid: string;
  /** What the status said when this term began. */
  readonly before: number;
  since: number;
}

/** Evictions by policy, counted on from where the last leader's status ended. */
export class EvictedCounts {
  readonly #counts = new Map<string, Count>();
  readonly #uncounted = new Map<string, number>();

  add(policy: string): void {
    this.#uncounted.set(policy, (this.#uncounted.get(policy) ?? 0) + 1);
  }

  of({ name, uid, status }: ArchPolicy): number {
    const known = this.#counts.get(name);
    // A policy that was deleted and made again counts from nothing.
    const count = known?.uid === uid ? known : { uid, before: status?.pods?.evicted ?? 0, since: 0 };
    count.since += this.#uncounted.get(name) ?? 0;
    this.#uncounted.delete(name);
    this.#counts.set(name, count);
    return count.before + count.since;
  }

  /** There is no such policy any more. */
  forget(policy: string): void {
    this.#counts.delete(policy);
    this.#uncounted.delete(policy);
  }

  /** Policies that something is kept of. */
  get size(): number {
    return new Set([...this.#counts.keys(), ...this.#uncounted.keys()]).size;
  }
}
