import type { ArchPolicyCondition } from '@archpolicy/core';
import { DEGRADED_REASONS } from './degradations.ts';
import type { DegradedReason } from './degradations.ts';

/** Counts the policies that are `Degraded`, by the reason of that condition. */
export class DegradedGauge {
  readonly #reasons = new Map<string, DegradedReason>();
  readonly #show: (reason: DegradedReason, policies: number) => void;

  constructor(show: (reason: DegradedReason, policies: number) => void) {
    this.#show = show;
    for (const reason of DEGRADED_REASONS) show(reason, 0);
  }

  /** Sets the conditions of a policy. Call it without conditions if the policy was deleted. */
  set(policy: string, conditions: readonly ArchPolicyCondition[] = []): void {
    const degraded = conditions.find(({ type, status }) => type === 'Degraded' && status === 'True');
    const before = this.#reasons.get(policy);
    const reason = DEGRADED_REASONS.find((known) => known === degraded?.reason);
    if (reason === undefined) this.#reasons.delete(policy);
    else this.#reasons.set(policy, reason);
    for (const changed of new Set([before, reason]))
      if (changed !== undefined) this.#show(changed, this.#count(changed));
  }

  #count(reason: DegradedReason): number {
    let policies = 0;
    for (const held of this.#reasons.values()) if (held === reason) policies += 1;
    return policies;
  }
}
