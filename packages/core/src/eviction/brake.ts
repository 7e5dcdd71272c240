/** Faults count for this long, and a closed brake stays closed for as long before an eviction is tried. */
export const BRAKE_WINDOW_MS = 10 * 60_000;
/** As many faults are no accident. */
export const BRAKE_FAULTS = 5;
/** Faults of so many owners in so many namespaces are nobody's own mistake: everything stops. */
export const BRAKE_OWNERS = 3;
export const BRAKE_NAMESPACES = 2;
/**
 * A trial whose replacement has not landed by then decided nothing: the next one may try. Longer than a replacement that
 * does not become Ready takes to count as landed.
 */
const TRIAL_DEADLINE_MS = 2 * 60_000;
/** An owner of which nothing was due for an hour after its trial was may be gone. */
const FORGOTTEN_AFTER_MS = 60 * 60_000;
/** Beyond that the oldest go: a scheduler that ignores all terms shows a fault with each pod that it binds. */
const MAX_FAULTS = 1_000;

/**
 * A pod that came to stand where it must not (R7). Only what tenants cannot forge is one: a replacement of an eviction of
 * ours that landed wrong although the webhook was reachable, or a pod bound against its own required terms.
 */
export interface Fault {
  /** UID of the pod: it counts once. */
  readonly pod: string;
  /** `controllerKey` of its top controller. */
  readonly owner: string;
  readonly namespace: string;
}

/** Which evictions are stopped, and by what. */
export type BrakeState =
  | { readonly kind: 'open' }
  /** Sorted. */
  | { readonly kind: 'owners-stopped'; readonly owners: readonly string[] }
  | {
      readonly kind: 'all-stopped';
      readonly faults: number;
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

interface Stop {
  readonly trialAtMs: number;
  /** A broken image caused it, and no fault. */
  readonly isBroken?: true;
  /** The one eviction that is allowed to decide. */
  readonly trial?: { readonly pod: string; readonly owner: string; readonly takenAtMs: number };
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
  readonly #faults = new Map<string, Fault & { readonly atMs: number }>();
  readonly #owners = new Map<string, Stop>();
  #all: (Stop & { readonly by: Extract<BrakeState, { kind: 'all-stopped' }> }) | undefined;

  /** @param pod UID of the pod to be evicted: the trial itself is let through */
  limit(owner: string, pod: string, nowMs: number): BrakeLimit {
    const stop = this.#owners.get(owner);
    // An owner of broken images does not take part in the trials of the others.
    if (stop?.isBroken === true) {
      const limit = limitOf(stop, 'OwnerStopped', pod, nowMs);
      if (limit.kind === 'limited') return limit;
    }
    if (this.#all !== undefined) return limitOf(this.#all, 'EvictionsStopped', pod, nowMs);
    return stop === undefined ? FREE : limitOf(stop, 'OwnerStopped', pod, nowMs);
  }

  /** An eviction that the brake let pass is under way: while it is closed, that is the trial. */
  taken(owner: string, pod: string, nowMs: number): void {
    const trial = { pod, owner, takenAtMs: nowMs };
    if (this.#all !== undefined) this.#all = { ...this.#all, trial };
    const stop = this.#owners.get(owner);
    if (stop !== undefined) this.#owners.set(owner, { ...stop, trial });
  }

  /** The eviction of this pod was not accepted: if it was the trial, another may be. */
  givenBack(owner: string, pod: string): void {
    if (this.#all?.trial?.pod === pod) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
    const stop = this.#owners.get(owner);
    if (stop?.trial?.pod !== pod) return;
    this.#owners.set(owner, { trialAtMs: stop.trialAtMs, ...(stop.isBroken === true && { isBroken: true }) });
  }

  /** A replacement of this owner is a broken image. */
  landedBroken(owner: string, nowMs: number): void {
    this.#owners.set(owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS, isBroken: true });
    // As a trial for all it decided nothing.
    if (this.#all?.trial?.owner === owner) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
  }

  /** A replacement of this owner landed right: what waited for that is open. */
  landedRight(owner: string): void {
    if (this.#all?.trial?.owner === owner) {
      this.#all = undefined;
      for (const [stopped, { isBroken }] of this.#owners) {
        if (isBroken !== true || stopped === owner) this.#owners.delete(stopped);
      }
      this.#faults.clear();
    } else if (this.#owners.get(owner)?.trial !== undefined) {
      this.#owners.delete(owner);
      this.#forgetFaultsOf(owner);
    }
  }

  /** A fault was seen. */
  fault(fault: Fault, nowMs: number): void {
    if (this.#all !== undefined) {
      if (this.#all.trial?.owner === fault.owner) this.#all = { trialAtMs: nowMs + BRAKE_WINDOW_MS, by: this.#all.by };
      return;
    }
    const stop = this.#owners.get(fault.owner);
    if (stop?.trial !== undefined) this.#owners.set(fault.owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS });
    if (this.#faults.has(fault.pod)) return;
    this.#faults.set(fault.pod, { ...fault, atMs: nowMs });
    this.#prune(nowMs);
    this.#close(nowMs);
  }

  state(nowMs: number): BrakeState {
    if (this.#all !== undefined) return this.#all.by;
    for (const [owner, { trialAtMs, trial }] of this.#owners) {
      if (nowMs >= (trial?.takenAtMs ?? trialAtMs) + FORGOTTEN_AFTER_MS) this.#owners.delete(owner);
    }
    return this.#owners.size === 0
      ? { kind: 'open' }
      : { kind: 'owners-stopped', owners: [...this.#owners.keys()].sort() };
  }

  #close(nowMs: number): void {
    if (this.#faults.size < BRAKE_FAULTS) return;
    const faults = [...this.#faults.values()];
    const owners = [...new Set(faults.map(({ owner }) => owner))].sort();
    const namespaces = new Set(faults.map(({ namespace }) => namespace)).size;
    const trialAtMs = nowMs + BRAKE_WINDOW_MS;
    if (owners.length >= BRAKE_OWNERS && namespaces >= BRAKE_NAMESPACES) {
      this.#all = { trialAtMs, by: { kind: 'all-stopped', faults: faults.length, owners, namespaces } };
      return;
    }
    for (const owner of owners) if (!this.#owners.has(owner)) this.#owners.set(owner, { trialAtMs });
  }

  #prune(nowMs: number): void {
    for (const [pod, { atMs }] of this.#faults) {
      if (atMs > nowMs - BRAKE_WINDOW_MS && this.#faults.size <= MAX_FAULTS) return;
      this.#faults.delete(pod);
    }
  }

  #forgetFaultsOf(owner: string): void {
    for (const [pod, fault] of this.#faults) if (fault.owner === owner) this.#faults.delete(pod);
  }
}

function limitOf(
  { trial, trialAtMs }: Stop,
  reason: Extract<BrakeLimit, { kind: 'limited' }>['reason'],
  pod: string,
  nowMs: number,
): BrakeLimit {
  if (trial?.pod === pod) return FREE;
  const untilMs = trial === undefined ? trialAtMs : trial.takenAtMs + TRIAL_DEADLINE_MS;
  return nowMs >= untilMs ? FREE : { kind: 'limited', reason, untilMs };
}
