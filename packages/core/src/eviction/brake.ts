/** How long a violation counts, and how long evictions are paused before a trial eviction. */
export const BRAKE_WINDOW_MS = 10 * 60_000;
/** Violations within the window that pause evictions. */
export const BRAKE_VIOLATIONS = 5;
/** Violations of this many owners in this many namespaces cannot be the mistake of one team: all evictions are paused. */
export const BRAKE_OWNERS = 3;
export const BRAKE_NAMESPACES = 2;
/**
 * After this long, a trial whose replacement has not landed is inconclusive, and another one may start. Longer than a replacement
 * that does not become Ready takes to count as landed.
 */
const TRIAL_DEADLINE_MS = 2 * 60_000;
/** A pause without a trial expires this long after the trial was due: the owner may have been deleted. */
const PAUSE_EXPIRES_AFTER_MS = 60 * 60_000;
/** Bounds memory, the oldest violations are dropped first: a scheduler that ignores all terms causes one with each pod that it binds. */
const MAX_VIOLATIONS = 1_000;

/**
 * A pod that was placed on a node that it must not be on (R7). Only what tenants cannot forge counts: the replacement of an
 * evicted pod that landed wrong although the webhook was reachable, or a pod bound against its own required terms.
 */
export interface PlacementViolation {
  /** UID of the pod. Each pod counts once. */
  readonly pod: string;
  /** `controllerKey` of its top controller. */
  readonly owner: string;
  readonly namespace: string;
}

/** Which evictions are paused, and why. */
export type BrakeState =
  | { readonly kind: 'running' }
  /** Sorted. */
  | { readonly kind: 'owners-paused'; readonly owners: readonly string[] }
  | {
      readonly kind: 'paused';
      readonly violations: number;
      /** The owners of the violations, sorted. */
      readonly owners: readonly string[];
      readonly namespaces: number;
    };

/** Whether the brake allows an eviction now. `untilMs`: the earliest time at which that can change. */
export type BrakeLimit =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'limited';
      readonly reason: 'EvictionsStopped' | 'OwnerStopped';
      readonly untilMs: number;
    };

interface Pause {
  readonly trialAtMs: number;
  /** Caused by a broken image, not by a violation. */
  readonly isBroken?: true;
  /** The one eviction that is allowed, and whose outcome decides. */
  readonly trial?: { readonly pod: string; readonly owner: string; readonly startedAtMs: number };
}

const FREE: BrakeLimit = { kind: 'free' };

/**
 * The eviction brake of one leader (R7). It has no clock: the caller passes the time.
 *
 * Five violations in ten minutes pause evictions: all of them if the violations are of three owners in two namespaces, else those of
 * their owners. Ten minutes later one trial eviction is allowed. If its replacement lands right, evictions resume; a violation of its
 * owner pauses them for ten minutes more. An inconclusive trial (no landing, or a wrong one that a tenant can cause) is followed by
 * another one, so that a tenant cannot keep evictions paused.
 *
 * A replacement with a broken image pauses the evictions of its owner in the same way. It is not a violation: a tenant can build
 * such an image.
 */
export class EvictionBrake {
  readonly #violations = new Map<string, PlacementViolation & { readonly atMs: number }>();
  readonly #owners = new Map<string, Pause>();
  #all: (Pause & { readonly by: Extract<BrakeState, { kind: 'paused' }> }) | undefined;

  /** @param pod UID of the pod to be evicted: the pod of the trial is allowed */
  limit(owner: string, pod: string, nowMs: number): BrakeLimit {
    const pause = this.#owners.get(owner);
    // A broken image pauses its owner even during the trials of a pause of all evictions.
    if (pause?.isBroken === true) {
      const limit = toLimit(pause, 'OwnerStopped', pod, nowMs);
      if (limit.kind === 'limited') return limit;
    }
    if (this.#all !== undefined) return toLimit(this.#all, 'EvictionsStopped', pod, nowMs);
    return pause === undefined ? FREE : toLimit(pause, 'OwnerStopped', pod, nowMs);
  }

  /** An eviction that the brake allowed has started. During a pause it becomes the trial. */
  onEvictionStarted(owner: string, pod: string, nowMs: number): void {
    const trial = { pod, owner, startedAtMs: nowMs };
    if (this.#all !== undefined) this.#all = { ...this.#all, trial };
    const pause = this.#owners.get(owner);
    if (pause !== undefined) this.#owners.set(owner, { ...pause, trial });
  }

  /** The eviction of this pod was not accepted. If it was the trial, another one may start. */
  onEvictionRejected(owner: string, pod: string): void {
    if (this.#all?.trial?.pod === pod) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
    const pause = this.#owners.get(owner);
    if (pause?.trial?.pod !== pod) return;
    this.#owners.set(owner, { trialAtMs: pause.trialAtMs, ...(pause.isBroken === true && { isBroken: true }) });
  }

  /** A replacement of this owner has a broken image. */
  onLandedBroken(owner: string, nowMs: number): void {
    this.#owners.set(owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS, isBroken: true });
    // As the trial of a pause of all evictions it is inconclusive.
    if (this.#all?.trial?.owner === owner) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
  }

  /** A replacement of this owner landed right: ends the pause of which it was the trial. */
  onLandedRight(owner: string): void {
    if (this.#all?.trial?.owner === owner) {
      this.#all = undefined;
      for (const [paused, { isBroken }] of this.#owners) {
        if (isBroken !== true || paused === owner) this.#owners.delete(paused);
      }
      this.#violations.clear();
    } else if (this.#owners.get(owner)?.trial !== undefined) {
      this.#owners.delete(owner);
      this.#deleteViolations(owner);
    }
  }

  /** Records a violation, and pauses evictions when the limit is reached. */
  onViolation(violation: PlacementViolation, nowMs: number): void {
    if (this.#all !== undefined) {
      if (this.#all.trial?.owner === violation.owner)
        this.#all = { trialAtMs: nowMs + BRAKE_WINDOW_MS, by: this.#all.by };
      return;
    }
    const pause = this.#owners.get(violation.owner);
    if (pause?.trial !== undefined) this.#owners.set(violation.owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS });
    if (this.#violations.has(violation.pod)) return;
    this.#violations.set(violation.pod, { ...violation, atMs: nowMs });
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
    const violations = [...this.#violations.values()];
    const owners = [...new Set(violations.map(({ owner }) => owner))].sort();
    const namespaces = new Set(violations.map(({ namespace }) => namespace)).size;
    const trialAtMs = nowMs + BRAKE_WINDOW_MS;
    if (owners.length >= BRAKE_OWNERS && namespaces >= BRAKE_NAMESPACES) {
      this.#all = { trialAtMs, by: { kind: 'paused', violations: violations.length, owners, namespaces } };
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
    for (const [pod, violation] of this.#violations) if (violation.owner === owner) this.#violations.delete(pod);
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
