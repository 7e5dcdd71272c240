/** How long the operator may lift gates with the result of the inspections. Afterwards the gate alone is removed. */
export const OPERATOR_MS = 30_000;
/** Time between the two last lists. A pod that was admitted before the webhook configuration was deleted may still appear. */
export const VERIFY_MS = 2_000;
/** Time after which the removal of gates is given up. */
export const GIVE_UP_MS = 5 * 60_000;
const POLL_MS = 1_000;

export interface GateProgress {
  /** The gated pods of the last list. */
  readonly gated: number;
  /** Number of lists in a row without a gated pod. */
  readonly emptyLists: number;
  /** Time since the webhook configuration was deleted. */
  readonly elapsedMs: number;
  /** Whether an operator renews its Lease. */
  readonly isOperatorAlive: boolean;
}

export type GateStep =
  | { readonly kind: 'done' }
  | { readonly kind: 'wait'; readonly ms: number }
  /** Remove only the gate of the listed pods. */
  | { readonly kind: 'lift' }
  | { readonly kind: 'give-up' };

/** P9: returns the next step until no pod is gated. */
export function nextGateStep({ gated, emptyLists, elapsedMs, isOperatorAlive }: GateProgress): GateStep {
  if (gated === 0) return emptyLists >= 2 ? { kind: 'done' } : { kind: 'wait', ms: VERIFY_MS };
  if (elapsedMs >= GIVE_UP_MS) return { kind: 'give-up' };
  if (isOperatorAlive && elapsedMs < OPERATOR_MS) return { kind: 'wait', ms: POLL_MS };
  return { kind: 'lift' };
}
