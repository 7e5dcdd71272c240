import type { SlotState } from './safety-state.ts';

/** A slot of an owner. Times are monotonic milliseconds. */
export interface Slot {
  readonly owner: string;
  readonly reservedAtMs: number;
  /** `awaited`: no replacement has landed. `failed`: a replacement landed on a node that cannot run it, or has a broken image. */
  readonly state: SlotState['state'];
  readonly heldUntilMs: number;
  readonly hasRun: boolean;
  /** How often the slot was passed on to a replacement that bypassed the webhook ({@link OwnerSlots.passOn}). */
  readonly bypasses: number;
}

/** The slots that evictions hold, by the UID of the evicted pod (R6). */
export class OwnerSlots {
  readonly #slots = new Map<string, Slot>();
  /** The UIDs by owner. Invariant: it contains exactly the UIDs of `#slots`. */
  readonly #byOwner = new Map<string, Set<string>>();

  get(uid: string): Slot | undefined {
    return this.#slots.get(uid);
  }

  set(uid: string, slot: Slot): void {
    this.delete(uid);
    this.#slots.set(uid, slot);
    const uids = this.#byOwner.get(slot.owner) ?? new Set<string>();
    this.#byOwner.set(slot.owner, uids.add(uid));
  }

  /** Replaces a slot. Its owner must be the same. The slot keeps its position among the slots of the owner. */
  update(uid: string, slot: Slot): void {
    this.#slots.set(uid, slot);
  }

  /** Makes the replacement `to` the holder of the slot of `from`, and counts the bypass. */
  passOn(from: string, to: string): void {
    const slot = this.#slots.get(from);
    if (slot === undefined || this.#slots.has(to)) return;
    this.delete(from);
    this.set(to, { ...slot, bypasses: slot.bypasses + 1 });
  }

  delete(uid: string): void {
    const slot = this.#slots.get(uid);
    if (slot === undefined) return;
    this.#slots.delete(uid);
    const uids = this.#byOwner.get(slot.owner);
    uids?.delete(uid);
    if (uids?.size === 0) this.#byOwner.delete(slot.owner);
  }

  /** Returns the held slots of an owner, oldest first, and drops expired ones. */
  heldBy(owner: string, nowMs: number): readonly (readonly [string, Slot])[] {
    const held: (readonly [string, Slot])[] = [];
    for (const uid of [...(this.#byOwner.get(owner) ?? [])]) {
      const slot = this.#slots.get(uid);
      if (slot === undefined) continue;
      if (slot.heldUntilMs <= nowMs) this.delete(uid);
      else held.push([uid, slot]);
    }
    return held;
  }

  /** Returns the age of the oldest held slot without a landing, by owner. */
  awaited(nowMs: number): ReadonlyMap<string, number> {
    const ages = new Map<string, number>();
    for (const { owner, state, reservedAtMs, heldUntilMs } of this.#slots.values())
      if (state === 'awaited' && heldUntilMs > nowMs)
        ages.set(owner, Math.max(nowMs - reservedAtMs, ages.get(owner) ?? 0));
    return ages;
  }

  /** Drops expired slots. Otherwise the entries of deleted owners would remain in memory. */
  sweep(nowMs: number): void {
    for (const [uid, slot] of this.#slots) if (slot.heldUntilMs <= nowMs) this.delete(uid);
  }

  /** Returns the held slots, oldest first. */
  snapshot(nowMs: number): readonly SlotState[] {
    this.sweep(nowMs);
    return [...this.#slots]
      .map(([pod, { reservedAtMs, heldUntilMs, owner, state, hasRun, bypasses }]) => ({
        ...{ pod, owner, state, hasRun, ...(bypasses > 0 && { bypasses }) },
        ageMs: nowMs - reservedAtMs,
        heldForMs: heldUntilMs - nowMs,
      }))
      .sort((one, other) => other.ageMs - one.ageMs);
  }

  /** Adds the slots of a snapshot that was taken at `takenAtMs`. Slots of this process take precedence. */
  restore(slots: readonly SlotState[], takenAtMs: number, nowMs: number): void {
    for (const { pod, ageMs, heldForMs, bypasses = 0, ...slot } of slots) {
      const heldUntilMs = takenAtMs + heldForMs;
      if (this.#slots.has(pod) || heldUntilMs <= nowMs) continue;
      this.set(pod, { ...slot, bypasses, reservedAtMs: takenAtMs - ageMs, heldUntilMs });
    }
  }
}
