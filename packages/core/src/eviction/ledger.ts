import { BlockedBudgets } from './blocked-budgets.ts';
import type { BudgetAccount, BudgetLimit } from './blocked-budgets.ts';
import { EvictionBrake } from './brake.ts';
import type { BrakeLimit, BrakeState, PlacementViolation } from './brake.ts';
import { OwnerSlots } from './owner-slots.ts';
import type { Slot } from './owner-slots.ts';
import type { EvictionPace, PaceLimit, PolicyRate } from './pace.ts';
import type { SafetyState } from './safety-state.ts';
import {
  failedAt,
  MAX_BYPASSES,
  SLOT_HELD_MS,
  SLOTS_PER_OWNER,
  SLOTS_PER_OWNER_AT_START,
  slotTimeoutMs,
} from './slot-limits.ts';
import type { PlacementOutcome } from './slot-limits.ts';

/** How often expired entries are dropped. */
const SWEEP_INTERVAL_MS = 60_000;

/** Interval at which a pod is evaluated again while evictions cannot be recorded. */
const RECORDABLE_CHECK_MS = 500;

/** Whether the limits and the brake allow one more eviction now (R6, R7). `untilMs` is the earliest time at which they can allow one. */
export type EvictionLimit = BrakeLimit | RecordLimit | BudgetLimit | OwnerLimit | PaceLimit;

interface OwnerLimit {
  readonly kind: 'limited';
  readonly reason: 'OwnerLimit';
  readonly untilMs: number;
}

/** The limit while evictions cannot be recorded for the next leader. */
interface RecordLimit {
  readonly kind: 'limited';
  readonly reason: 'EvictionsNotRecorded';
  readonly untilMs: number;
}

/** The limits against which an eviction counts. */
export interface EvictionAccount extends PolicyRate, BudgetAccount {
  /** `controllerKey` of the pod's top controller. */
  readonly owner: string;
  /** R10: whether the pod has run on its node. If so, its owner's pods are evicted one at a time. */
  readonly hasRun?: boolean;
  /** R4: whether no existing node can take the replacement, so that an autoscaler must add a node. */
  readonly fromZero?: boolean;
}

/**
 * The recent evictions of one leader, against which the limits are checked (R6). It has no clock: the caller passes the time.
 *
 * A slot is reserved before the call of the API, and released if the eviction was not accepted. An accepted eviction holds its slot
 * until its replacement lands right. If the replacement lands wrong, has a broken image, or does not land within a minute, the slot is
 * held for ten minutes more. A replacement for which an autoscaler adds a node may take longer than a minute to land. The pace counts
 * every request, accepted or not.
 */
export class EvictionLedger {
  readonly budgets = new BlockedBudgets();
  readonly #brake = new EvictionBrake();
  readonly #slots = new OwnerSlots();
  /** Until then, an owner has {@link SLOTS_PER_OWNER_AT_START}. */
  #oneSlotUntilMs: number;
  #isRecordable = true;
  #revision = 0;
  readonly #pace: EvictionPace;
  /** The tokens of evictions for which no request has been sent, by the UID of the pod. */
  readonly #unsent = new Map<string, { readonly rate: PolicyRate; readonly takenAtMs: number }>();
  #sweptAtMs: number;

  constructor(startedAtMs: number, pace: EvictionPace) {
    this.#pace = pace;
    this.#oneSlotUntilMs = startedAtMs + SLOT_HELD_MS;
    this.#sweptAtMs = startedAtMs;
  }

  /**
   * Returns whether the brake and the limits allow the eviction of the pod `uid`. Does not count a slot of this pod,
   * because an earlier attempt without an answer may still hold a slot.
   */
  limit(account: EvictionAccount, uid: string, nowMs: number): EvictionLimit {
    const { owner, hasRun } = account;
    const braked = this.#brake.limit(owner, uid, nowMs);
    if (braked.kind === 'limited') return braked;
    if (!this.#isRecordable) return notRecorded(nowMs);
    const blocked = this.budgets.limit(account, uid, nowMs);
    if (blocked.kind === 'limited') return blocked;
    const held = this.#slots.heldBy(owner, nowMs).filter(([holder]) => holder !== uid);
    const oneAtATime = hasRun === true || held.some(([, slot]) => slot.hasRun);
    const allowed = oneAtATime ? 1 : this.#slotsPerOwner(nowMs);
    if (held.length >= allowed)
      return { kind: 'limited', reason: 'OwnerLimit', untilMs: this.#ownerFreeAtMs(held, nowMs) };
    return this.#pace.limit(account, nowMs);
  }

  /** Reserves a slot for the eviction of the pod `uid`. The caller has just checked {@link limit}. */
  reserve(uid: string, account: EvictionAccount, nowMs: number): void {
    const { policy, maxPerMinute, owner, hasRun = false } = account;
    this.#sweep(nowMs);
    const { bypasses = 0, hasRun: hadRun = false } = this.#slots.get(uid) ?? {};
    const slot = { owner, reservedAtMs: nowMs, state: 'awaited', hasRun: hasRun || hadRun, bypasses } as const;
    this.#slots.set(uid, { ...slot, heldUntilMs: nowMs + slotTimeoutMs({ ...account, hasRun: slot.hasRun }) });
    this.#revision += 1;
    this.budgets.onStarted(account, uid, nowMs);
    this.#pace.take(account, nowMs);
    this.#unsent.set(uid, { rate: { policy, maxPerMinute }, takenAtMs: nowMs });
    this.#brake.onEvictionStarted(owner, uid, nowMs);
  }

  /**
   * Returns whether the eviction of `uid` is still allowed. Evictions may have been paused, or could not be recorded,
   * after the slot of `uid` was reserved.
   */
  limitOfReserved({ owner }: Pick<EvictionAccount, 'owner'>, uid: string, nowMs: number): BrakeLimit | RecordLimit {
    const braked = this.#brake.limit(owner, uid, nowMs);
    return braked.kind === 'limited' || this.#isRecordable ? braked : notRecorded(nowMs);
  }

  /** Must be called right before the request is sent. The request then counts against the pace, also if it is rejected. */
  recordRequest(uid: string): void {
    this.#unsent.delete(uid);
  }

  /**
   * Releases the slot of an eviction that was not accepted. If no request was sent, it does not count against the pace either. A slot
   * that was passed on to the pod remains held, because the eviction before still has no replacement that landed right.
   */
  release(uid: string, nowMs: number): void {
    const slot = this.#slots.get(uid);
    if (slot === undefined) return;
    const token = this.#unsent.get(uid);
    this.#unsent.delete(uid);
    if (token !== undefined) this.#pace.refund(token.rate, token.takenAtMs, nowMs);
    if (slot.bypasses === 0) this.#slots.delete(uid);
    else this.#slots.update(uid, { ...slot, ...failedAt(slot, nowMs) });
    this.#brake.onEvictionRejected(slot.owner, uid);
    this.#revision += 1;
  }

  /**
   * Returns the UID of the owner's oldest eviction whose replacement has not landed. The owner's next replacement that
   * lands is assigned to this eviction.
   */
  oldestAwaited(owner: string, nowMs: number): string | undefined {
    return this.#slots.heldBy(owner, nowMs).find(([, slot]) => slot.state === 'awaited')?.[0];
  }

  /** Returns the owners for whose evictions no replacement has landed, with the age of the oldest of these evictions. */
  awaited(nowMs: number): ReadonlyMap<string, number> {
    return this.#slots.awaited(nowMs);
  }

  /** Returns whether the evicted pod had run on its node. If so, its replacement lands right only when it is Ready (R10). */
  hadRun(uid: string): boolean {
    return this.#slots.get(uid)?.hasRun === true;
  }

  /** Records where the replacement of `uid` landed. `right` releases the slot at once. `broken` pauses the owner's evictions. */
  recordLanding(uid: string, landing: PlacementOutcome, nowMs: number): void {
    const slot = this.#slots.get(uid);
    if (slot === undefined) return;
    this.#revision += 1;
    if (landing === 'right') {
      this.#slots.delete(uid);
      this.#brake.onLandedRight(slot.owner);
      return;
    }
    this.#slots.update(uid, { ...slot, ...failedAt(slot, nowMs) });
    if (landing === 'broken') this.#brake.onLandedBroken(slot.owner, nowMs);
  }

  /**
   * Passes the slot of `evicted` on to its replacement, which bypassed the webhook: the replacement can be evicted although the slot is
   * held. Other pods of the owner cannot. Does nothing after {@link MAX_BYPASSES}.
   */
  passOn(evicted: string, replacement: string): void {
    const slot = this.#slots.get(evicted);
    if (slot === undefined || slot.bypasses >= MAX_BYPASSES) return;
    this.#slots.passOn(evicted, replacement);
    this.#revision += 1;
  }

  /** R7: records that a pod was bound to a node that it must not be on. */
  recordViolation(violation: PlacementViolation, nowMs: number): void {
    this.#brake.onViolation(violation, nowMs);
    this.#revision += 1;
  }

  /** Returns which evictions are paused (R7). */
  brakeState(nowMs: number): BrakeState {
    return this.#brake.state(nowMs);
  }

  /** Returns the number of slots that evictions of `owner` hold. */
  countSlots(owner: string, nowMs: number): number {
    return this.#slots.heldBy(owner, nowMs).length;
  }

  /**
   * Sets whether evictions can be recorded for the next leader. While they cannot, no eviction is allowed, because the
   * next leader would not count it.
   */
  setRecordable(isRecordable: boolean): void {
    this.#isRecordable = isRecordable;
  }

  /** Increases with each change that the next leader must read. */
  get revision(): number {
    return this.#revision;
  }

  /** Returns the state for the next leader. */
  snapshot(nowMs: number): SafetyState {
    return {
      oneSlotForMs: Math.max(0, this.#oneSlotUntilMs - nowMs),
      slots: this.#slots.snapshot(nowMs),
      brake: this.#brake.snapshot(nowMs),
      pace: this.#pace.snapshot(nowMs),
    };
  }

  /** Adds the state that another leader had at `takenAtMs`. The number of slots per owner is the one of that state. */
  restore(state: SafetyState, takenAtMs: number, nowMs: number): void {
    this.#slots.restore(state.slots, takenAtMs, nowMs);
    this.#brake.restore(state.brake, takenAtMs, nowMs);
    this.#pace.restore(state.pace, nowMs, nowMs - takenAtMs);
    this.#oneSlotUntilMs = takenAtMs + state.oneSlotForMs;
    this.#revision += 1;
  }

  #slotsPerOwner(nowMs: number): number {
    return nowMs < this.#oneSlotUntilMs ? SLOTS_PER_OWNER_AT_START : SLOTS_PER_OWNER;
  }

  /** Returns the earlier of two times: when the first of these slots expires, and when the smaller limit of a new leader ends. */
  #ownerFreeAtMs(held: readonly (readonly [string, Slot])[], nowMs: number): number {
    const soonest = Math.min(...held.map(([, slot]) => slot.heldUntilMs));
    return nowMs < this.#oneSlotUntilMs ? Math.min(soonest, this.#oneSlotUntilMs) : soonest;
  }

  /**
   * Drops expired slots, and tokens that are too old for a refund. Otherwise the entries of deleted owners would remain in
   * memory.
   */
  #sweep(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = nowMs;
    this.#slots.sweep(nowMs);
    for (const [uid, { takenAtMs }] of this.#unsent) {
      if (takenAtMs < nowMs - SWEEP_INTERVAL_MS) this.#unsent.delete(uid);
    }
  }
}

function notRecorded(nowMs: number): RecordLimit {
  return { kind: 'limited', reason: 'EvictionsNotRecorded', untilMs: nowMs + RECORDABLE_CHECK_MS };
}
