import { EvictionBrake } from './brake.ts';
import type { BrakeLimit, BrakeState, Fault } from './brake.ts';

/** Evictions of one policy are counted over this long: its limit is per minute. */
const RATE_WINDOW_MS = 60_000;

/** Unproven evictions of one owner: more would repeat a mistake faster than its replacements can show it. */
export const PLACES_PER_OWNER = 3;

/** A new leader knows nothing of its predecessor's evictions, so it starts with less. */
export const PLACES_PER_OWNER_AT_START = 1;

/** How long a place stays taken after a wrong landing, and how long a new leader is careful. */
export const PLACE_HELD_MS = 10 * 60_000;

/** The same of a pod that has run on its node, unless its replacement lands right: long enough for a person to see it. */
export const RUNNING_PLACE_HELD_MS = 24 * 60 * 60_000;

/**
 * How long a replacement is awaited for which an autoscaler brings a node. It may come late, and until then further evictions would
 * only add Pending pods. A day bounds what is remembered of owners whose node never comes.
 */
export const FROM_ZERO_PLACE_HELD_MS = 24 * 60 * 60_000;

/** A replacement not seen on a node by then counts as one that landed wrong. */
export const LANDING_DEADLINE_MS = 60_000;

/**
 * Where the replacement of an evicted pod landed:
 *
 * - `right`: on a node that all its images support
 * - `wrong`: on one that some image does not support
 * - `broken`: on one that all its images support, and the node refuses it all the same: no node would run it
 */
export const LANDINGS = ['right', 'wrong', 'broken'] as const;
export type Landing = (typeof LANDINGS)[number];

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

interface Place {
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
  readonly #places = new Map<string, Place>();
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
    const held = this.#heldPlaces(owner, nowMs).filter(([holder]) => holder !== uid);
    const oneByOne = hasRun === true || held.some(([, place]) => place.hasRun);
    const allowed = oneByOne ? 1 : this.#placesPerOwner(nowMs);
    if (held.length >= allowed)
      return { kind: 'limited', reason: 'OwnerLimit', untilMs: this.#ownerFreeAt(held, nowMs) };
    const recent = this.#recent(policy, nowMs);
    if (recent.length < maxPerMinute) return { kind: 'free' };
    // The window must shed as many as are over the limit before one more fits.
    const oldest = recent[recent.length - Math.max(1, maxPerMinute)] ?? nowMs;
    return { kind: 'limited', reason: 'PolicyLimit', untilMs: oldest + RATE_WINDOW_MS };
  }

  /** Takes a place for the eviction of the pod `uid`, whose limits the caller has just found free. */
  take(uid: string, account: EvictionAccount, nowMs: number): void {
    const { policy, owner, hasRun = false } = account;
    this.#sweep(nowMs);
    const heldUntilMs = nowMs + awaitedForMs(account);
    this.#places.set(uid, { owner, policy, takenAtMs: nowMs, state: 'awaited', heldUntilMs, hasRun });
    const uids = this.#byOwner.get(owner) ?? new Set<string>();
    this.#byOwner.set(owner, uids.add(uid));
    this.#recent(policy, nowMs).push(nowMs);
    this.#brake.taken(owner, uid, nowMs);
  }

  /** Whether the brake still lets the eviction of `uid` pass, which has its place: it may have closed since. */
  passes({ owner }: Pick<EvictionAccount, 'owner'>, uid: string, nowMs: number): BrakeLimit {
    return this.#brake.limit(owner, uid, nowMs);
  }

  /** The eviction was not accepted: neither its place nor its share of the rate was used. */
  giveBack(uid: string): void {
    const place = this.#places.get(uid);
    if (place === undefined) return;
    const times = this.#rate.get(place.policy) ?? [];
    const index = times.lastIndexOf(place.takenAtMs);
    if (index !== -1) times.splice(index, 1);
    this.#remove(uid, place);
    this.#brake.givenBack(place.owner, uid);
  }

  /** The oldest eviction of this owner whose replacement is still awaited: the one that a landing pod proves. */
  awaited(owner: string, nowMs: number): string | undefined {
    return this.#heldPlaces(owner, nowMs).find(([, place]) => place.state === 'awaited')?.[0];
  }

  /** Whether the evicted pod is known to have run on its node: then only a replacement that is Ready has landed right (R10). */
  hadRun(uid: string): boolean {
    return this.#places.get(uid)?.hasRun === true;
  }

  /** The replacement of `uid` has landed. Right gives the place back at once; broken stops its owner's evictions as well. */
  landed(uid: string, landing: Landing, nowMs: number): void {
    const place = this.#places.get(uid);
    if (place === undefined) return;
    if (landing === 'right') {
      this.#remove(uid, place);
      this.#brake.landedRight(place.owner);
      return;
    }
    const heldUntilMs = nowMs + (place.hasRun ? RUNNING_PLACE_HELD_MS : PLACE_HELD_MS);
    this.#places.set(uid, { ...place, state: 'kept', heldUntilMs });
    if (landing === 'broken') this.#brake.landedBroken(place.owner, nowMs);
  }

  /** R7: a pod came to stand where it must not. */
  fault(fault: Fault, nowMs: number): void {
    this.#brake.fault(fault, nowMs);
  }

  /** Which evictions are stopped (R7). */
  brake(nowMs: number): BrakeState {
    return this.#brake.state(nowMs);
  }

  /** Places taken by the evictions of `owner`. */
  placesOf(owner: string, nowMs: number): number {
    return this.#heldPlaces(owner, nowMs).length;
  }

  #placesPerOwner(nowMs: number): number {
    return nowMs < this.#startedAtMs + PLACE_HELD_MS ? PLACES_PER_OWNER_AT_START : PLACES_PER_OWNER;
  }

  /** When the first of these places is over, or a new leader's carefulness, whichever comes first. */
  #ownerFreeAt(held: readonly (readonly [string, Place])[], nowMs: number): number {
    const soonest = Math.min(...held.map(([, place]) => place.heldUntilMs));
    const startOver = this.#startedAtMs + PLACE_HELD_MS;
    return nowMs < startOver ? Math.min(soonest, startOver) : soonest;
  }

  /** Places still held, oldest first; those that are over are dropped. */
  #heldPlaces(owner: string, nowMs: number): readonly (readonly [string, Place])[] {
    const held: (readonly [string, Place])[] = [];
    for (const uid of [...(this.#byOwner.get(owner) ?? [])]) {
      const place = this.#places.get(uid);
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
    for (const [uid, place] of this.#places) if (place.heldUntilMs <= nowMs) this.#remove(uid, place);
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

  #remove(uid: string, { owner }: Place): void {
    this.#places.delete(uid);
    const uids = this.#byOwner.get(owner);
    uids?.delete(uid);
    if (uids?.size === 0) this.#byOwner.delete(owner);
  }
}

/** How long a place stays taken while no replacement lands. */
function awaitedForMs({ hasRun = false, fromZero = false }: EvictionAccount): number {
  if (hasRun) return RUNNING_PLACE_HELD_MS;
  return fromZero ? FROM_ZERO_PLACE_HELD_MS : LANDING_DEADLINE_MS + PLACE_HELD_MS;
}

function isInWindow(atMs: number | undefined, nowMs: number): boolean {
  return atMs !== undefined && atMs > nowMs - RATE_WINDOW_MS;
}
