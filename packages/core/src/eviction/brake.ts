/** Faults count for this long, and a closed brake stays closed for as long before an eviction is tried. */
export const BRAKE_WINDOW_MS = 10 * 60_000;
/** As many faults are no accident. */
export const BRAKE_VIOLATIONS = 5;
/** Faults of so many owners in so many namespaces are nobody's own mistake: everything stops. */
export const BRAKE_OWNERS = 3;
export const BRAKE_NAMESPACES = 2;
/**
 * A trial whose replacement has not landed by then decided nothing: the next one may try. Longer than a replacement that
 * does not become Ready takes to count as landed.
 */
const TRIAL_DEADLINE_MS = 2 * 60_000;
/** An owner of which nothing was due for an hour after its trial was may be gone. */
const PAUSE_EXPIRES_AFTER_MS = 60 * 60_000;
/** Beyond that the oldest go: a scheduler that ignores all terms shows a fault with each pod that it binds. */
const MAX_VIOLATIONS = 1_000;

/**
 * A pod that came to stand where it must not (R7). Only what tenants cannot forge is one: a replacement of an eviction of
 * ours that landed wrong although the webhook was reachable, or a pod bound against its own required terms.
 */
export interface PlacementViolation {
  /** UID of the pod: it counts once. */
  readonly pod: string;
  /** `controllerKey` of its top controller. */
  readonly owner: string;
  readonly namespace: string;
}

/** Which evictions are stopped, and by what. */
export type BrakeState =
  | { readonly kind: 'running' }
  /** Sorted. */
  | { readonly kind: 'owners-paused'; readonly owners: readonly string[] }
  | {
      readonly kind: 'paused';
      readonly violations: number;
      /** Those of the faults, sorted. */
      readonly owners: readonly string[];
      readonly namespaces: number;
    };

/** Whether the brake lets an eviction pass now. `untilMs`: when asking again pays. */
export type BrakeLimit =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'limited';
      readonly reason: 'EvictionsStopped' | 'OwnerStopped';
      readonly untilMs: number;
    };

interface Pause {
  readonly trialAtMs: number;
  /** A broken image caused it, and no fault. */
  readonly isBroken?: true;
  /** The one eviction that is allowed to decide. */
  readonly trial?: { readonly pod: string; readonly owner: string; readonly startedAtMs: number };
}

const FREE: BrakeLimit = { kind: 'free' };

/**
 * The brake of one leader's term (R7). It has no clock: every question carries the time.
 *
 * Five faults in ten minutes close it: for everything when they are of three owners in two namespaces, else for their
 * owners. Ten minutes later one eviction is let through. Its right landing opens the brake, a fault of its owner closes
 * it for ten minutes more; what decides nothing (no landing, a wrong one that a tenant can bring about) is followed by
 * another trial, so that nobody can keep the brake closed.
 *
 * A replacement that is a broken image stops its own owner in the same way. It is no fault: a tenant can build such an
 * image.
 */
export class EvictionBrake {
  readonly #violations = new Map<string, PlacementViolation & { readonly atMs: number }>();
  readonly #owners = new Map<string, Pause>();
  #all: (Pause & { readonly by: Extract<BrakeState, { kind: 'paused' }> }) | undefined;

  /** @param pod UID of the pod to be evicted: the trial itself is let through */
  limit(owner: string, pod: string, nowMs: number): BrakeLimit {
    const stop = this.#owners.get(owner);
    // An owner of broken images does not take part in the trials of the others.
    if (stop?.isBroken === true) {
      const limit = toLimit(stop, 'OwnerStopped', pod, nowMs);
      if (limit.kind === 'limited') return limit;
    }
    if (this.#all !== undefined) return toLimit(this.#all, 'EvictionsStopped', pod, nowMs);
    return stop === undefined ? FREE : toLimit(stop, 'OwnerStopped', pod, nowMs);
  }

  /** An eviction that the brake let pass is under way: while it is closed, that is the trial. */
  onEvictionStarted(owner: string, pod: string, nowMs: number): void {
    const trial = { pod, owner, startedAtMs: nowMs };
    if (this.#all !== undefined) this.#all = { ...this.#all, trial };
    const stop = this.#owners.get(owner);
    if (stop !== undefined) this.#owners.set(owner, { ...stop, trial });
  }

  /** The eviction of this pod was not accepted: if it was the trial, another may be. */
  onEvictionRejected(owner: string, pod: string): void {
    if (this.#all?.trial?.pod === pod) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
    const stop = this.#owners.get(owner);
    if (stop?.trial?.pod !== pod) return;
    this.#owners.set(owner, { trialAtMs: stop.trialAtMs, ...(stop.isBroken === true && { isBroken: true }) });
  }

  /** A replacement of this owner is a broken image. */
  onLandedBroken(owner: string, nowMs: number): void {
    this.#owners.set(owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS, isBroken: true });
    // As a trial for all it decided nothing.
    if (this.#all?.trial?.owner === owner) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
  }

  /** A replacement of this owner landed right: what waited for that is open. */
  onLandedRight(owner: string): void {
    if (this.#all?.trial?.owner === owner) {
      this.#all = undefined;
      for (const [stopped, { isBroken }] of this.#owners) {
        if (isBroken !== true || stopped === owner) this.#owners.delete(stopped);
      }
      this.#violations.clear();
    } else if (this.#owners.get(owner)?.trial !== undefined) {
      this.#owners.delete(owner);
      this.#deleteViolations(owner);
    }
  }

  /** A fault was seen. */
  onViolation(fault: PlacementViolation, nowMs: number): void {
    if (this.#all !== undefined) {
      if (this.#all.trial?.owner === fault.owner) this.#all = { trialAtMs: nowMs + BRAKE_WINDOW_MS, by: this.#all.by };
      return;
    }
    const stop = this.#owners.get(fault.owner);
    if (stop?.trial !== undefined) this.#owners.set(fault.owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS });
    if (this.#violations.has(fault.pod)) return;
    this.#violations.set(fault.pod, { ...fault, atMs: nowMs });
    this.#prune(nowMs);
    this.#pauseIfNeeded(nowMs);
  }

  state(nowMs: number): BrakeState {
    if (this.#all !== undefined) return this.#all.by;
    for (const [owner, { trialAtMs, trial }] of this.#owners) {
      if (nowMs >= (trial?.startedAtMs ?? trialAtMs) + PAUSE_EXPIRES_AFTER_MS) this.#owners.delete(owner);
    }
    return this.#owners.size === 0
      ? { kind: 'running' }
      : { kind: 'owners-paused', owners: [...this.#owners.keys()].sort() };
  }

  #pauseIfNeeded(nowMs: number): void {
    if (this.#violations.size < BRAKE_VIOLATIONS) return;
    const faults = [...this.#violations.values()];
    const owners = [...new Set(faults.map(({ owner }) => owner))].sort();
    const namespaces = new Set(faults.map(({ namespace }) => namespace)).size;
    const trialAtMs = nowMs + BRAKE_WINDOW_MS;
    if (owners.length >= BRAKE_OWNERS && namespaces >= BRAKE_NAMESPACES) {
      this.#all = { trialAtMs, by: { kind: 'paused', violations: faults.length, owners, namespaces } };
      return;
    }
    for (const owner of owners) if (!this.#owners.has(owner)) this.#owners.set(owner, { trialAtMs });
  }

  #prune(nowMs: number): void {
    for (const [pod, { atMs }] of this.#violations) {
      if (atMs > nowMs - BRAKE_WINDOW_MS && this.#violations.size <= MAX_VIOLATIONS) return;
      this.#violations.delete(pod);
    }
  }

  #deleteViolations(owner: string): void {
    for (const [pod, fault] of this.#violations) if (fault.owner === owner) this.#violations.delete(pod);
  }
}

function toLimit(
  { trial, trialAtMs }: Pause,
  reason: Extract<BrakeLimit, { kind: 'limited' }>['reason'],
  pod: string,
  nowMs: number,
): BrakeLimit {
  if (trial?.pod === pod) return FREE;
  const untilMs = trial === undefined ? trialAtMs : trial.startedAtMs + TRIAL_DEADLINE_MS;
  return nowMs >= untilMs ? FREE : { kind: 'limited', reason, untilMs };
}
