import { EvictionBrake } from './brake.ts';
import type { BrakeLimit, BrakeState, PlacementViolation } from './brake.ts';

/** The window of a policy's rate limit, which is per minute. */
const RATE_WINDOW_MS = 60_000;

/** Evictions of one owner whose replacements have not landed right yet. More would repeat a mistake before the replacements can show it. */
export const SLOTS_PER_OWNER = 3;

/** The same after a change of the leader: a new leader has no record of its predecessor's evictions. */
export const SLOTS_PER_OWNER_AT_START = 1;

/** How long a slot is held after a wrong landing, and how long a new leader uses the smaller limit. */
export const SLOT_HELD_MS = 10 * 60_000;

/** The same for a pod that has run on its node: long enough for an operator to notice. */
export const SLOT_HELD_AFTER_RUN_MS = 24 * 60 * 60_000;

/**
 * How long a replacement is awaited for which an autoscaler adds a node. The node may come late, and until then further evictions
 * would only add Pending pods. The bound of a day is for owners whose node never comes.
 */
export const SLOT_HELD_FROM_ZERO_MS = 24 * 60 * 60_000;

/** A replacement that has not been bound by then counts as landed wrong. */
export const LANDING_DEADLINE_MS = 60_000;

/**
 * Where the replacement of an evicted pod landed:
 *
 * - `right`: on a node that all its images support
 * - `wrong`: on a node that some image does not support
 * - `broken`: on a node that all its images support but that refuses it, as any node would
 */
export const PLACEMENT_OUTCOMES = ['right', 'wrong', 'broken'] as const;
export type PlacementOutcome = (typeof PLACEMENT_OUTCOMES)[number];

/** Whether the limits and the brake allow one more eviction now (R6, R7). `untilMs`: the earliest time at which that can change. */
export type EvictionLimit =
  BrakeLimit | { readonly kind: 'limited'; readonly reason: 'PolicyLimit' | 'OwnerLimit'; readonly untilMs: number };

/** The limits against which an eviction counts. */
export interface EvictionAccount {
  readonly policy: string;
  /** `maxEvictionsPerMinute` of the policy. */
  readonly maxPerMinute: number;
  /** `controllerKey` of the pod's top controller. */
  readonly owner: string;
  /** R10: the pod has run on its node, so its owner's pods are evicted one at a time. */
  readonly hasRun?: boolean;
  /** R4: no existing node can take the replacement, and an autoscaler adds one. */
  readonly fromZero?: boolean;
}

interface Slot {
  readonly owner: string;
  readonly policy: string;
  readonly reservedAtMs: number;
  /** `awaited`: no replacement has landed. `failed`: it landed on a node that cannot run it, or has a broken image. */
  readonly state: 'awaited' | 'failed';
  readonly heldUntilMs: number;
  readonly hasRun: boolean;
}

/**
 * The recent evictions of one leader, against which the limits are checked (R6). It has no clock: the caller passes the time.
 *
 * A slot is reserved before the call of the API and released if the eviction was not accepted. An accepted eviction holds its slot
 * until its replacement lands right. A wrong landing, a broken image, or no landing within a minute holds it for ten minutes more.
 * The minute does not apply to a replacement for which an autoscaler adds a node.
 */
export class EvictionLedger {
  readonly #startedAtMs: number;
  readonly #brake = new EvictionBrake();
  /** By the UID of the evicted pod. Invariant: `#byOwner` holds exactly the same UIDs. */
  readonly #slots = new Map<string, Slot>();
  readonly #byOwner = new Map<string, Set<string>>();
  /** Times of the evictions of the last minute, ascending. */
  readonly #rate = new Map<string, number[]>();
  #sweptAtMs: number;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
    this.#sweptAtMs = startedAtMs;
  }

  /** @param uid of the pod to be evicted: a slot that an unanswered attempt for it still holds does not count */
  limit({ policy, maxPerMinute, owner, hasRun }: EvictionAccount, uid: string, nowMs: number): EvictionLimit {
    const braked = this.#brake.limit(owner, uid, nowMs);
    if (braked.kind === 'limited') return braked;
    const held = this.#heldSlots(owner, nowMs).filter(([holder]) => holder !== uid);
    const oneAtATime = hasRun === true || held.some(([, slot]) => slot.hasRun);
    const allowed = oneAtATime ? 1 : this.#slotsPerOwner(nowMs);
    if (held.length >= allowed)
      return { kind: 'limited', reason: 'OwnerLimit', untilMs: this.#ownerFreeAtMs(held, nowMs) };
    const recent = this.#recent(policy, nowMs);
    if (recent.length < maxPerMinute) return { kind: 'free' };
    // All evictions over the limit must leave the window before one more fits.
    const oldest = recent[recent.length - Math.max(1, maxPerMinute)] ?? nowMs;
    return { kind: 'limited', reason: 'PolicyLimit', untilMs: oldest + RATE_WINDOW_MS };
  }

  /** Reserves a slot for the eviction of the pod `uid`. The caller has just checked {@link limit}. */
  reserve(uid: string, account: EvictionAccount, nowMs: number): void {
    const { policy, owner, hasRun = false } = account;
    this.#sweep(nowMs);
    const heldUntilMs = nowMs + slotTimeoutMs(account);
    this.#slots.set(uid, { owner, policy, reservedAtMs: nowMs, state: 'awaited', heldUntilMs, hasRun });
    const uids = this.#byOwner.get(owner) ?? new Set<string>();
    this.#byOwner.set(owner, uids.add(uid));
    this.#recent(policy, nowMs).push(nowMs);
    this.#brake.onEvictionStarted(owner, uid, nowMs);
  }

  /** Whether the brake still allows the eviction of `uid`, which holds a slot: evictions may have been paused since. */
  brakeLimit({ owner }: Pick<EvictionAccount, 'owner'>, uid: string, nowMs: number): BrakeLimit {
    return this.#brake.limit(owner, uid, nowMs);
  }

  /** The eviction was not accepted: releases its slot, and removes it from the rate. */
  release(uid: string): void {
    const slot = this.#slots.get(uid);
    if (slot === undefined) return;
    const times = this.#rate.get(slot.policy) ?? [];
    const index = times.lastIndexOf(slot.reservedAtMs);
    if (index !== -1) times.splice(index, 1);
    this.#remove(uid, slot);
    this.#brake.onEvictionRejected(slot.owner, uid);
  }

  /** Returns the UID of the owner's oldest eviction whose replacement has not landed: the next landing counts for it. */
  oldestAwaited(owner: string, nowMs: number): string | undefined {
    return this.#heldSlots(owner, nowMs).find(([, slot]) => slot.state === 'awaited')?.[0];
  }

  /** Whether the evicted pod had run on its node: then only a Ready replacement has landed right (R10). */
  hadRun(uid: string): boolean {
    return this.#slots.get(uid)?.hasRun === true;
  }

  /** The replacement of `uid` has landed. `right` releases the slot at once; `broken` also pauses its owner's evictions. */
  recordLanding(uid: string, landing: PlacementOutcome, nowMs: number): void {
    const slot = this.#slots.get(uid);
    if (slot === undefined) return;
    if (landing === 'right') {
      this.#remove(uid, slot);
      this.#brake.onLandedRight(slot.owner);
      return;
    }
    const heldUntilMs = nowMs + (slot.hasRun ? SLOT_HELD_AFTER_RUN_MS : SLOT_HELD_MS);
    this.#slots.set(uid, { ...slot, state: 'failed', heldUntilMs });
    if (landing === 'broken') this.#brake.onLandedBroken(slot.owner, nowMs);
  }

  /** R7: records that a pod was placed where it must not be. */
  recordViolation(violation: PlacementViolation, nowMs: number): void {
    this.#brake.onViolation(violation, nowMs);
  }

  /** Returns which evictions are paused (R7). */
  brakeState(nowMs: number): BrakeState {
    return this.#brake.state(nowMs);
  }

  /** Slots held by evictions of `owner`. */
  countSlots(owner: string, nowMs: number): number {
    return this.#heldSlots(owner, nowMs).length;
  }

  #slotsPerOwner(nowMs: number): number {
    return nowMs < this.#startedAtMs + SLOT_HELD_MS ? SLOTS_PER_OWNER_AT_START : SLOTS_PER_OWNER;
  }

  /** When the first of these slots expires, or the new leader's smaller limit ends, if that is earlier. */
  #ownerFreeAtMs(held: readonly (readonly [string, Slot])[], nowMs: number): number {
    const soonest = Math.min(...held.map(([, slot]) => slot.heldUntilMs));
    const startEndsAtMs = this.#startedAtMs + SLOT_HELD_MS;
    return nowMs < startEndsAtMs ? Math.min(soonest, startEndsAtMs) : soonest;
  }

  /** Returns the held slots, oldest first, and drops expired ones. */
  #heldSlots(owner: string, nowMs: number): readonly (readonly [string, Slot])[] {
    const held: (readonly [string, Slot])[] = [];
    for (const uid of [...(this.#byOwner.get(owner) ?? [])]) {
      const slot = this.#slots.get(uid);
      if (slot === undefined) continue;
      if (slot.heldUntilMs <= nowMs) this.#remove(uid, slot);
      else held.push([uid, slot]);
    }
    return held;
  }

  /** Drops expired slots and rates: owners and policies that were deleted would otherwise take memory for ever. */
  #sweep(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + RATE_WINDOW_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [uid, slot] of this.#slots) if (slot.heldUntilMs <= nowMs) this.#remove(uid, slot);
    for (const [policy, times] of this.#rate) if (!isInWindow(times.at(-1), nowMs)) this.#rate.delete(policy);
  }

  /** Number of policies with evictions in the window. */
  get policies(): number {
    return this.#rate.size;
  }

  #recent(policy: string, nowMs: number): number[] {
    const recent = (this.#rate.get(policy) ?? []).filter((atMs) => isInWindow(atMs, nowMs));
    this.#rate.set(policy, recent);
    return recent;
  }

  #remove(uid: string, { owner }: Slot): void {
    this.#slots.delete(uid);
    const uids = this.#byOwner.get(owner);
    uids?.delete(uid);
    if (uids?.size === 0) this.#byOwner.delete(owner);
  }
}

/** How long a slot is held while no replacement lands. */
function slotTimeoutMs({ hasRun = false, fromZero = false }: EvictionAccount): number {
  if (hasRun) return SLOT_HELD_AFTER_RUN_MS;
  return fromZero ? SLOT_HELD_FROM_ZERO_MS : LANDING_DEADLINE_MS + SLOT_HELD_MS;
}

function isInWindow(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs > nowMs - RATE_WINDOW_MS;
}
