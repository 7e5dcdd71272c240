import { MAX_RELAXED_OWNERS, parseTimestampMs } from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyStatus } from '@archpolicy/core';
import { timestamp } from './conditions.ts';

type Relaxed = NonNullable<ArchPolicyStatus['relaxed']>;

/** R9: for which workloads the preference is skipped, and until when: what the policies' statuses are to say. */
export class Relaxations {
  /** By policy, then by owner: epoch milliseconds. What is here is not in the status yet. */
  readonly #asked = new Map<string, Map<string, number>>();

  /** @param owner as `workloadKey` names it */
  relax(policy: string, owner: string, untilMs: number): void {
    const asked = this.#asked.get(policy) ?? new Map<string, number>();
    this.#asked.set(policy, asked);
    if (asked.size < MAX_RELAXED_OWNERS) asked.set(owner, untilMs);
  }

  /** What still holds of the status, and what was asked for, sorted. When it is full, nobody else gets in. */
  of({ name, status }: ArchPolicy, nowMs: number): Relaxed {
    const until = new Map<string, number>();
    for (const entry of status?.relaxed ?? []) until.set(entry.owner, parseTimestampMs(entry.until) ?? 0);
    const asked = this.#asked.get(name);
    for (const [owner, untilMs] of asked ?? []) {
      // The status has whole seconds.
      if ((until.get(owner) ?? 0) + MS_PER_SECOND > untilMs || untilMs <= nowMs) asked?.delete(owner);
      else until.set(owner, untilMs);
    }
    return [...until]
      .filter(([, untilMs]) => untilMs > nowMs)
      .slice(0, MAX_RELAXED_OWNERS)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([owner, untilMs]) => ({ owner, until: timestamp(untilMs) }));
  }

  forget(policy: string): void {
    this.#asked.delete(policy);
  }
}

const MS_PER_SECOND = 1_000;
