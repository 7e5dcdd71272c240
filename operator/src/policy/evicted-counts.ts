import type { ArchPolicy } from '@archpolicy/core';

interface Count {
  readonly uid: string;
  /** The count in the policy's status when this process became the leader. */
  readonly before: number;
  since: number;
}

/** The number of evictions of each policy. A new leader continues from the count in the policy's status. */
export class EvictedCounts {
  readonly #counts = new Map<string, Count>();
  readonly #uncounted = new Map<string, number>();

  add(policy: string): void {
    this.#uncounted.set(policy, (this.#uncounted.get(policy) ?? 0) + 1);
  }

  total({ name, uid, status }: ArchPolicy): number {
    const known = this.#counts.get(name);
    // A recreated policy starts at zero.
    const count = known?.uid === uid ? known : { uid, before: status?.pods?.evicted ?? 0, since: 0 };
    count.since += this.#uncounted.get(name) ?? 0;
    this.#uncounted.delete(name);
    this.#counts.set(name, count);
    return count.before + count.since;
  }

  /** Drops the counts of a deleted policy. */
  drop(policy: string): void {
    this.#counts.delete(policy);
    this.#uncounted.delete(policy);
  }

  /** The number of policies with a count. */
  get size(): number {
    return new Set([...this.#counts.keys(), ...this.#uncounted.keys()]).size;
  }
}
