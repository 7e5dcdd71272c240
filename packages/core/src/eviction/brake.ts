import type { BrakeSnapshot, PauseState } from './safety-state.ts';

/** How long a violation counts, and how long evictions are paused before a trial eviction. */
export const BRAKE_WINDOW_MS = 10 * 60_000;
/** Number of violations within the window that pauses evictions. */
export const BRAKE_VIOLATIONS = 5;
/**
 * If the violations concern at least this many owners in at least this many namespaces, all evictions are paused,
 * because the cause is then not the mistake of one team.
 */
export const BRAKE_OWNERS = 3;
export const BRAKE_NAMESPACES = 2;
/**
 * How long the replacement of a trial eviction may take to land. Afterwards the trial is inconclusive, and another
 * trial may start. The deadline also suffices for a replacement that never becomes Ready, because such a replacement
 * counts as landed earlier.
 */
const TRIAL_DEADLINE_MS = 2 * 60_000;
/**
 * How long the pause of an owner continues after its trial eviction was due or started. Then the pause ends, because
 * the owner may have been deleted.
 */
const PAUSE_EXPIRES_AFTER_MS = 60 * 60_000;
/**
 * Maximum number of stored violations; the oldest are dropped first. Without this limit, a scheduler that ignores all terms would
 * fill the memory, because each pod that it binds is a violation.
 */
const MAX_VIOLATIONS = 1_000;

/**
 * A pod that was bound to a node that it must not be on (R7). There are two kinds, and tenants can forge neither: the replacement of
 * an evicted pod landed on a wrong node while the webhook was reachable, or a pod was bound to a node that its own required terms
 * exclude.
 */
export interface PlacementViolation {
  /** UID of the pod. Each pod counts once. */
  readonly pod: string;
  /** `controllerKey` of the pod's top controller. */
  readonly owner: string;
  readonly namespace: string;
}

/** Which evictions are paused, and why. */
export type BrakeState =
  | { readonly kind: 'running' }
  /** The evictions of these owners are paused. The list is sorted. */
  | { readonly kind: 'owners-paused'; readonly owners: readonly string[] }
  | {
      readonly kind: 'paused';
      /** 0 if the cause is not known, because the record of the previous leader cannot be read. */
      readonly violations: number;
      /** The owners of the violations, sorted. */
      readonly owners: readonly string[];
      readonly namespaces: number;
    };

/**
 * Whether the brake allows an eviction now. `untilMs` is the earliest time at which the brake can allow an eviction.
 */
export type BrakeLimit =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'limited';
      readonly reason: 'EvictionsStopped' | 'OwnerStopped';
      readonly untilMs: number;
    };

interface Pause {
  readonly trialAtMs: number;
  /** True if a broken image caused the pause, absent if violations did. */
  readonly isBroken?: true;
  /** The only eviction that is allowed during the pause. Its outcome decides whether the pause ends. */
  readonly trial?: { readonly pod: string; readonly owner: string; readonly startedAtMs: number };
}

const FREE: BrakeLimit = { kind: 'free' };

/**
 * The eviction brake of one leader (R7). It has no clock: the caller passes the time.
 *
 * Five violations in ten minutes pause evictions. If the violations concern three owners in two namespaces, all
 * evictions are paused, else only the evictions of these owners. Ten minutes later one trial eviction is allowed. If
 * the replacement of the evicted pod lands right, evictions resume. If the owner of the trial has a violation, the
 * pause lasts ten minutes more. A trial is inconclusive if its replacement does not land, or lands wrong in a way that
 * a tenant can cause. After an inconclusive trial another one follows, so that a tenant cannot keep evictions paused.
 *
 * A replacement with a broken image pauses the evictions of its owner in the same way. It is not a violation, because a tenant can
 * build such an image.
 */
export class EvictionBrake {
  readonly #violations = new Map<string, PlacementViolation & { readonly atMs: number }>();
  readonly #owners = new Map<string, Pause>();
  #all: (Pause & { readonly by: Extract<BrakeState, { kind: 'paused' }> }) | undefined;

  /**
   * Returns whether the brake allows the eviction of a pod.
   *
   * @param pod UID of the pod. The pod of the current trial is always allowed
   */
  limit(owner: string, pod: string, nowMs: number): BrakeLimit {
    const pause = this.#owners.get(owner);
    // While all evictions are paused, a trial must not evict pods of an owner that is paused because of a broken image.
    if (pause?.isBroken === true) {
      const limit = toLimit(pause, 'OwnerStopped', pod, nowMs);
      if (limit.kind === 'limited') return limit;
    }
    if (this.#all !== undefined) return toLimit(this.#all, 'EvictionsStopped', pod, nowMs);
    return pause === undefined ? FREE : toLimit(pause, 'OwnerStopped', pod, nowMs);
  }

  /** Records the start of an eviction that the brake allowed. During a pause, this eviction becomes the trial. */
  onEvictionStarted(owner: string, pod: string, nowMs: number): void {
    const trial = { pod, owner, startedAtMs: nowMs };
    if (this.#all !== undefined) this.#all = { ...this.#all, trial };
    const pause = this.#owners.get(owner);
    if (pause !== undefined) this.#owners.set(owner, { ...pause, trial });
  }

  /**
   * Records that the API server did not accept the eviction of this pod. If the eviction was the trial, another trial
   * may start.
   */
  onEvictionRejected(owner: string, pod: string): void {
    if (this.#all?.trial?.pod === pod) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
    const pause = this.#owners.get(owner);
    if (pause?.trial?.pod !== pod) return;
    this.#owners.set(owner, { trialAtMs: pause.trialAtMs, ...(pause.isBroken === true && { isBroken: true }) });
  }

  /** Pauses the evictions of this owner, because a replacement has a broken image. */
  onLandedBroken(owner: string, nowMs: number): void {
    this.#owners.set(owner, { trialAtMs: nowMs + BRAKE_WINDOW_MS, isBroken: true });
    // If the replacement belongs to the trial of a pause of all evictions, that trial is inconclusive.
    if (this.#all?.trial?.owner === owner) this.#all = { trialAtMs: this.#all.trialAtMs, by: this.#all.by };
  }

  /** Records that a replacement of this owner landed right. If it belongs to the trial of a pause, the pause ends. */
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
    this.#dropExpiredPauses(nowMs);
    return this.#owners.size === 0
      ? { kind: 'running' }
      : { kind: 'owners-paused', owners: [...this.#owners.keys()].sort() };
  }

  /** Returns the state for the next leader. */
  snapshot(nowMs: number): BrakeSnapshot {
    this.#dropExpiredPauses(nowMs);
    this.#prune(nowMs);
    return {
      ...(this.#all !== undefined && { all: { ...toPauseState(this.#all, nowMs), ...this.#all.by } }),
      owners: [...this.#owners].map(([owner, pause]) => ({
        ...{ owner, isBroken: pause.isBroken === true },
        ...toPauseState(pause, nowMs),
      })),
      violations: [...this.#violations.values()].map(({ atMs, ...violation }) => ({
        ...violation,
        ageMs: nowMs - atMs,
      })),
    };
  }

  /** Adds the state that another leader had at `takenAtMs`. If both have a pause, the one with the later trial remains. */
  restore({ all, owners, violations }: BrakeSnapshot, takenAtMs: number, nowMs: number): void {
    if (all !== undefined && takenAtMs + all.trialInMs > (this.#all?.trialAtMs ?? -Infinity)) {
      const by = {
        kind: 'paused',
        violations: all.violations,
        owners: all.owners,
        namespaces: all.namespaces,
      } as const;
      this.#all = { ...toPause(all, takenAtMs), by };
    }
    for (const { owner, isBroken, ...pause } of owners) {
      if (takenAtMs + pause.trialInMs <= (this.#owners.get(owner)?.trialAtMs ?? -Infinity)) continue;
      this.#owners.set(owner, { ...toPause(pause, takenAtMs), ...(isBroken && { isBroken }) });
    }
    this.#dropExpiredPauses(nowMs);
    this.#restoreViolations(violations, takenAtMs, nowMs);
  }

  /** The violations are sorted by time, because the oldest are dropped first. */
  #restoreViolations(violations: BrakeSnapshot['violations'], takenAtMs: number, nowMs: number): void {
    const all = new Map(this.#violations);
    for (const { ageMs, ...violation } of violations)
      if (!all.has(violation.pod)) all.set(violation.pod, { ...violation, atMs: takenAtMs - ageMs });
    this.#violations.clear();
    for (const [pod, violation] of [...all].sort(([, one], [, other]) => one.atMs - other.atMs))
      this.#violations.set(pod, violation);
    this.#prune(nowMs);
    if (this.#all === undefined) this.#pauseIfNeeded(nowMs);
  }

  #dropExpiredPauses(nowMs: number): void {
    for (const [owner, { trialAtMs, trial }] of this.#owners)
      if (nowMs >= (trial?.startedAtMs ?? trialAtMs) + PAUSE_EXPIRES_AFTER_MS) this.#owners.delete(owner);
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

function toPauseState({ trialAtMs, trial }: Pause, nowMs: number): PauseState {
  if (trial === undefined) return { trialInMs: trialAtMs - nowMs };
  const { pod, owner, startedAtMs } = trial;
  return { trialInMs: trialAtMs - nowMs, trial: { pod, owner, ageMs: nowMs - startedAtMs } };
}

function toPause({ trialInMs, trial }: PauseState, takenAtMs: number): Pause {
  if (trial === undefined) return { trialAtMs: takenAtMs + trialInMs };
  const { pod, owner, ageMs } = trial;
  return { trialAtMs: takenAtMs + trialInMs, trial: { pod, owner, startedAtMs: takenAtMs - ageMs } };
}
