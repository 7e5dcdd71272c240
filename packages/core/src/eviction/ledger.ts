import { EvictionBrake } from './brake.ts';
import type { BrakeLimit, BrakeState, PlacementViolation } from './brake.ts';

/** The window of a policy's rate limit, which is per minute. */
const RATE_WINDOW_MS = 60_000;

/**
 * Maximum number of an owner's evictions whose replacements have not landed right yet. Further evictions could repeat a mistake before
 * the replacements show it.
 */
export const SLOTS_PER_OWNER = 3;

/**
 * Replaces {@link SLOTS_PER_OWNER} after a change of the leader, because a new leader has no record of its
 * predecessor's evictions.
 */
export const SLOTS_PER_OWNER_AT_START = 1;

/** How long a slot is held after a wrong landing, and how long a new leader uses {@link SLOTS_PER_OWNER_AT_START}. */
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

/** How long a replacement may take to be bound. After this time, the replacement counts as landed wrong. */
export const LANDING_DEADLINE_MS = 60_000;

/**
 * Where the replacement of an evicted pod landed:
 *
 * - `right`: on a node that all its images support
 * - `wrong`: on a node that some image does not support
 * - `broken`: on a node that all its images support, but that refuses a container. Any other node would refuse it, too
 */
export const PLACEMENT_OUTCOMES = ['right', 'wrong', 'broken'] as const;
export type PlacementOutcome = (typeof PLACEMENT_OUTCOMES)[number];

/** Whether the limits and the brake allow one more eviction now (R6, R7). `untilMs` is the earliest time at which they can allow one. */
export type EvictionLimit =
  BrakeLimit | { readonly kind: 'limited'; readonly reason: 'PolicyLimit' | 'OwnerLimit'; readonly untilMs: number };

/** The limits against which an eviction counts. */
export interface EvictionAccount {
  readonly policy: string;
  /** `maxEvictionsPerMinute` of the policy. */
  readonly maxPerMinute: number;
  /** `controllerKey` of the pod's top controller. */
  readonly owner: string;
  /** R10: whether the pod has run on its node. If so, its owner's pods are evicted one at a time. */
  readonly hasRun?: boolean;
  /** R4: whether no existing node can take the replacement, so that an autoscaler must add a node. */
  readonly fromZero?: boolean;
}

interface Slot {
  readonly owner: string;
  readonly policy: string;
  readonly reservedAtMs: number;
  /** `awaited`: no replacement has landed. `failed`: a replacement landed on a node that cannot run it, or has a broken image. */
  readonly state: 'awaited' | 'failed';
  readonly heldUntilMs: number;
  readonly hasRun: boolean;
}

/**
 * The recent evictions of one leader, against which the limits are checked (R6). It has no clock: the caller passes the time.
 *
 * A slot is reserved before the call of the API, and released if the eviction was not accepted. An accepted eviction holds its slot
 * until its replacement lands right. If the replacement lands wrong, has a broken image, or does not land within a minute, the slot is
 * held for ten minutes more. A replacement for which an autoscaler adds a node may take longer than a minute to land.
 */
export class EvictionLedger {
  readonly #startedAtMs: number;
  readonly #brake = new EvictionBrake();
  /** The slots by the UID of the evicted pod. Invariant: `#byOwner` contains exactly the same UIDs. */
  readonly #slots = new Map<string, Slot>();
  readonly #byOwner = new Map<string, Set<string>>();
  /** The times of the evictions of the last minute by policy, ascending. */
  readonly #rate = new Map<string, number[]>();
  #sweptAtMs: number;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
    this.#sweptAtMs = startedAtMs;
  }

  /**
   * Returns whether the brake and the limits allow the eviction of the pod `uid`. Does not count a slot of this pod,
   * because an earlier attempt without an answer may still hold a slot.
   */
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
    // One more eviction fits when fewer than `maxPerMinute` are in the window. `recent` has more if the limit was
    // lowered.
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

  /**
   * Returns whether the brake still allows the eviction of `uid`. Evictions may have been paused after the slot of
   * `uid` was reserved.
   */
  brakeLimit({ owner }: Pick<EvictionAccount, 'owner'>, uid: string, nowMs: number): BrakeLimit {
    return this.#brake.limit(owner, uid, nowMs);
  }

  /** Releases the slot of an eviction that was not accepted. The eviction no longer counts against the rate. */
  release(uid: string): void {
    const slot = this.#slots.get(uid);
    if (slot === undefined) return;
    const times = this.#rate.get(slot.policy) ?? [];
    const index = times.lastIndexOf(slot.reservedAtMs);
    if (index !== -1) times.splice(index, 1);
    this.#remove(uid, slot);
    this.#brake.onEvictionRejected(slot.owner, uid);
  }

  /**
   * Returns the UID of the owner's oldest eviction whose replacement has not landed. The owner's next replacement that
   * lands is assigned to this eviction.
   */
  oldestAwaited(owner: string, nowMs: number): string | undefined {
    return this.#heldSlots(owner, nowMs).find(([, slot]) => slot.state === 'awaited')?.[0];
  }

  /** Returns whether the evicted pod had run on its node. If so, its replacement lands right only when it is Ready (R10). */
  hadRun(uid: string): boolean {
    return this.#slots.get(uid)?.hasRun === true;
  }

  /** Records where the replacement of `uid` landed. `right` releases the slot at once. `broken` pauses the owner's evictions. */
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

  /** R7: records that a pod was bound to a node that it must not be on. */
  recordViolation(violation: PlacementViolation, nowMs: number): void {
    this.#brake.onViolation(violation, nowMs);
  }

  /** Returns which evictions are paused (R7). */
  brakeState(nowMs: number): BrakeState {
    return this.#brake.state(nowMs);
  }

  /** Returns the number of slots that evictions of `owner` hold. */
  countSlots(owner: string, nowMs: number): number {
    return this.#heldSlots(owner, nowMs).length;
  }

  #slotsPerOwner(nowMs: number): number {
    return nowMs < this.#startedAtMs + SLOT_HELD_MS ? SLOTS_PER_OWNER_AT_START : SLOTS_PER_OWNER;
  }

  /** Returns the earlier of two times: when the first of these slots expires, and when the smaller limit of a new leader ends. */
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

  /** Drops expired slots and rates. Otherwise the entries of deleted owners and policies would remain in memory. */
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

/** Returns how long a slot is held if no replacement lands. */
function slotTimeoutMs({ hasRun = false, fromZero = false }: EvictionAccount): number {
  if (hasRun) return SLOT_HELD_AFTER_RUN_MS;
  return fromZero ? SLOT_HELD_FROM_ZERO_MS : LANDING_DEADLINE_MS + SLOT_HELD_MS;
}

function isInWindow(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs > nowMs - RATE_WINDOW_MS;
}
