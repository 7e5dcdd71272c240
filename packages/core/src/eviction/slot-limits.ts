import type { Slot } from './owner-slots.ts';

/**
 * Maximum number of an owner's evictions whose replacements have not landed right yet. Further evictions could repeat a mistake before
 * the replacements show it.
 */
export const SLOTS_PER_OWNER = 3;

/** Replaces {@link SLOTS_PER_OWNER} in a new leader that cannot read its predecessor's record of evictions. */
export const SLOTS_PER_OWNER_AT_START = 1;

/**
 * How long a slot is held after a wrong landing, and how long a new leader without a record of evictions uses
 * {@link SLOTS_PER_OWNER_AT_START}.
 */
export const SLOT_HELD_MS = 10 * 60_000;

/**
 * How long a slot is held after the eviction of a pod that has run on its node. A day is long enough for a person to
 * notice that the replacement failed.
 */
export const SLOT_HELD_AFTER_RUN_MS = 24 * 60 * 60_000;

/**
 * How long a slot is held if an autoscaler adds a node for the replacement. Until that node exists, further evictions would only add
 * Pending pods. The limit of a day releases the slot if the node is never added.
 */
export const SLOT_HELD_FROM_ZERO_MS = 24 * 60 * 60_000;

/**
 * How often the slot of an eviction is passed on to a replacement that bypassed the webhook. The bound is necessary because a tenant
 * can remove the annotation that the webhook adds. An outage rarely lasts for longer than one eviction, because a probe precedes each.
 */
export const MAX_BYPASSES = 2;

/** How long a replacement may take to be bound. After this time, the replacement counts as landed wrong. */
export const LANDING_DEADLINE_MS = 60_000;

/**
 * Where the replacement of an evicted pod landed:
 *
 * - `right`: on a node that all its images support
 * - `wrong`: on a node that some image does not support
 * - `bypassed`: on a node that some image does not support, without the annotation of the webhook. So the API server probably did not
 *   reach the webhook when the replacement was created
 * - `broken`: on a node that all its images support, but that refuses a container. Any other node would refuse it, too
 */
export const PLACEMENT_OUTCOMES = ['right', 'wrong', 'bypassed', 'broken'] as const;
export type PlacementOutcome = (typeof PLACEMENT_OUTCOMES)[number];

/** The properties of an eviction that its slot depends on. */
interface SlotCause {
  readonly hasRun?: boolean;
  readonly fromZero?: boolean;
}

/** Returns how long a slot is held if no replacement lands. */
export function slotTimeoutMs({ hasRun, fromZero }: SlotCause): number {
  if (hasRun === true) return SLOT_HELD_AFTER_RUN_MS;
  return fromZero === true ? SLOT_HELD_FROM_ZERO_MS : LANDING_DEADLINE_MS + SLOT_HELD_MS;
}

/** Returns the state of a slot whose replacement cannot run where it was bound. */
export function failedAt({ hasRun }: Slot, nowMs: number): Pick<Slot, 'state' | 'heldUntilMs'> {
  return { state: 'failed', heldUntilMs: nowMs + (hasRun ? SLOT_HELD_AFTER_RUN_MS : SLOT_HELD_MS) };
}
