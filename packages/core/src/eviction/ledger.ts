import { EvictionBrake } from './brake.ts';
import type { BrakeLimit, BrakeState, PlacementViolation } from './brake.ts';

/** Evictions of one policy are counted over this long: its limit is per minute. */
const RATE_WINDOW_MS = 60_000;

/** Unproven evictions of one owner: more would repeat a mistake faster than its replacements can show it. */
export const SLOTS_PER_OWNER = 3;

/** A new leader knows nothing of its predecessor's evictions, so it starts with less. */
export const SLOTS_PER_OWNER_AT_START = 1;

/** How long a place stays taken after a wrong landing, and how long a new leader is careful. */
export const SLOT_HELD_MS = 10 * 60_000;

/** The same of a pod that has run on its node, unless its replacement lands right: long enough for a person to see it. */
export const SLOT_HELD_AFTER_RUN_MS = 24 * 60 * 60_000;

/**
 * How long a replacement is awaited for which an autoscaler brings a node. It may come late, and until then further evictions would
 * only add Pending pods. A day bounds what is remembered of owners whose node never comes.
 */
export const SLOT_HELD_FROM_ZERO_MS = 24 * 60 * 60_000;

/** A replacement not seen on a node by then counts as one that landed wrong. */
export const LANDING_DEADLINE_MS = 60_000;

/**
 * Where the replacement of an evicted pod landed:
 *
 * - `right`: on a node that all its images support
 * - `wrong`: on one that some image does not support
 * - `broken`: on one that all its images support, and the node refuses it all the same: no node would run it
 */
export const PLACEMENT_OUTCOMES = ['right', 'wrong', 'broken'] as const;
export type PlacementOutcome = (typeof PLACEMENT_OUTCOMES)[number];

/** Whether the limits and the brake allow one more eviction now (R6, R7). `untilMs`: when asking again pays. */
export type EvictionLimit =
  BrakeLimit | { readonly kind: 'limited'; readonly reason: 'PolicyLimit' | 'OwnerLimit'; readonly untilMs: number };

/** What an eviction counts against. */
export interface EvictionAccount {
  readonly policy: string;
  /** `maxEvictionsPerMinute` of the policy. */
  readonly maxPerMinute: number;
  /** `controllerKey` of the pod's top controller. */
  readonly owner: string;
  /** R10: the pod is known to have run on its node, so that its owner's evictions go one by one. */
  readonly hasRun?: boolean;
  /** R4: no node that is there can take the replacement, and an autoscaler brings one. */
  readonly fromZero?: boolean;
}

interface Slot {
  readonly owner: string;
  readonly policy: string;
  readonly takenAtMs: number;
  /** `awaited`: no replacement has landed. `kept`: it landed on a node that cannot run it, or is a broken image. */
  readonly state: 'awaited' | 'kept';
  readonly heldUntilMs: number;
  readonly hasRun: boolean;
}

/**
 * The evictions under way or not yet proven right, of one leader's term (R6). It has no clock: every question carries
 * the time.
 *
 * A place is taken before the call and given back when the call was not accepted. An accepted eviction keeps its place
 * until its replacement is seen to land right; a wrong landing, a broken image, or no landing within a minute keeps it for
 * ten minutes more. A replacement for which an autoscaler brings a node has no such minute.
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

  /** @param uid the pod in question: a place that an unanswered try of it may still hold does not stand in its way */
  limit({ policy, maxPerMinute, owner, hasRun }: EvictionAccount, uid: string, nowMs: number): EvictionLimit {
    const braked = this.#brake.limit(owner, uid, nowMs);
    if (braked.kind === 'limited') return braked;
    const held = this.#heldSlots(owner, nowMs).filter(([holder]) => holder !== uid);
    const oneByOne = hasRun === true || held.some(([, place]) => place.hasRun);
    const allowed = oneByOne ? 1 : this.#slotsPerOwner(nowMs);
    if (held.length >= allowed)
      return { kind: 'limited', reason: 'OwnerLimit', untilMs: this.#ownerFreeAt(held, nowMs) };
    const recent = this.#recent(policy, nowMs);
    if (recent.length < maxPerMinute) return { kind: 'free' };
    // The window must shed as many as are over the limit before one more fits.
    const oldest = recent[recent.length - Math.max(1, maxPerMinute)] ?? nowMs;
    return { kind: 'limited', reason: 'PolicyLimit', untilMs: oldest + RATE_WINDOW_MS };
  }

  /** Takes a place for the eviction of the pod `uid`, whose limits the caller has just found free. */
  reserve(uid: string, account: EvictionAccount, nowMs: number): void {
    const { policy, owner, hasRun = false } = account;
    this.#sweep(nowMs);
    const heldUntilMs = nowMs + slotTimeoutMs(account);
    this.#slots.set(uid, { owner, policy, takenAtMs: nowMs, state: 'awaited', heldUntilMs, hasRun });
    const uids = this.#byOwner.get(owner) ?? new Set<string>();
    this.#byOwner.set(owner, uids.add(uid));
    this.#recent(policy, nowMs).push(nowMs);
    this.#brake.onEvictionStarted(owner, uid, nowMs);
  }

  /** Whether the brake still lets the eviction of `uid` pass, which has its place: it may have closed since. */
  brakeLimit({ owner }: Pick<EvictionAccount, 'owner'>, uid: string, nowMs: number): BrakeLimit {
    return this.#brake.limit(owner, uid, nowMs);
  }

  /** The eviction was not accepted: neither its place nor its share of the rate was used. */
  release(uid: string): void {
    const place = this.#slots.get(uid);
    if (place === undefined) return;
    const times = this.#rate.get(place.policy) ?? [];
    const index = times.lastIndexOf(place.takenAtMs);
    if (index !== -1) times.splice(index, 1);
    this.#remove(uid, place);
    this.#brake.onEvictionRejected(place.owner, uid);
  }

  /** The oldest eviction of this owner whose replacement is still awaited: the one that a landing pod proves. */
  oldestAwaited(owner: string, nowMs: number): string | undefined {
    return this.#heldSlots(owner, nowMs).find(([, place]) => place.state === 'awaited')?.[0];
  }

  /** Whether the evicted pod is known to have run on its node: then only a replacement that is Ready has landed right (R10). */
  hadRun(uid: string): boolean {
    return this.#slots.get(uid)?.hasRun === true;
  }

  /** The replacement of `uid` has landed. Right gives the place back at once; broken stops its owner's evictions as well. */
  recordLanding(uid: string, landing: PlacementOutcome, nowMs: number): void {
    const place = this.#slots.get(uid);
    if (place === undefined) return;
    if (landing === 'right') {
      this.#remove(uid, place);
      this.#brake.onLandedRight(place.owner);
      return;
    }
    const heldUntilMs = nowMs + (place.hasRun ? SLOT_HELD_AFTER_RUN_MS : SLOT_HELD_MS);
    this.#slots.set(uid, { ...place, state: 'kept', heldUntilMs });
    if (landing === 'broken') this.#brake.onLandedBroken(place.owner, nowMs);
  }

  /** R7: a pod came to stand where it must not. */
  recordViolation(fault: PlacementViolation, nowMs: number): void {
    this.#brake.onViolation(fault, nowMs);
  }

  /** Which evictions are stopped (R7). */
  brakeState(nowMs: number): BrakeState {
    return this.#brake.state(nowMs);
  }

  /** Places taken by the evictions of `owner`. */
  countSlots(owner: string, nowMs: number): number {
    return this.#heldSlots(owner, nowMs).length;
  }

  #slotsPerOwner(nowMs: number): number {
    return nowMs < this.#startedAtMs + SLOT_HELD_MS ? SLOTS_PER_OWNER_AT_START : SLOTS_PER_OWNER;
  }

  /** When the first of these places is over, or a new leader's carefulness, whichever comes first. */
  #ownerFreeAt(held: readonly (readonly [string, Slot])[], nowMs: number): number {
    const soonest = Math.min(...held.map(([, place]) => place.heldUntilMs));
    const startOver = this.#startedAtMs + SLOT_HELD_MS;
    return nowMs < startOver ? Math.min(soonest, startOver) : soonest;
  }

  /** Places still held, oldest first; those that are over are dropped. */
  #heldSlots(owner: string, nowMs: number): readonly (readonly [string, Slot])[] {
    const held: (readonly [string, Slot])[] = [];
    for (const uid of [...(this.#byOwner.get(owner) ?? [])]) {
      const place = this.#slots.get(uid);
      if (place === undefined) continue;
      if (place.heldUntilMs <= nowMs) this.#remove(uid, place);
      else held.push([uid, place]);
    }
    return held;
  }

  /** Owners and policies that nobody asks about any more would be kept for ever. */
  #sweep(nowMs: number): void {
    if (nowMs < this.#sweptAtMs + RATE_WINDOW_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [uid, place] of this.#slots) if (place.heldUntilMs <= nowMs) this.#remove(uid, place);
    for (const [policy, times] of this.#rate) if (!isInWindow(times.at(-1), nowMs)) this.#rate.delete(policy);
  }

  /** For how many policies evictions are counted. */
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

/** How long a place stays taken while no replacement lands. */
function slotTimeoutMs({ hasRun = false, fromZero = false }: EvictionAccount): number {
  if (hasRun) return SLOT_HELD_AFTER_RUN_MS;
  return fromZero ? SLOT_HELD_FROM_ZERO_MS : LANDING_DEADLINE_MS + SLOT_HELD_MS;
}

function isInWindow(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs > nowMs - RATE_WINDOW_MS;
}
