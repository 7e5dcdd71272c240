import type { PaceLevels } from './pace.ts';

/**
 * The state of the limits and of the brake, which a new leader continues with (R6, R7). It contains no times, only durations relative
 * to the moment of the snapshot, because the monotonic clocks of two processes have nothing in common.
 */
export interface SafetyState {
  /** For how long owners have one slot each, because earlier evictions are not known. 0 if they are known. */
  readonly oneSlotForMs: number;
  readonly slots: readonly SlotState[];
  readonly brake: BrakeSnapshot;
  readonly pace: PaceLevels;
}

/** A slot that an eviction holds. */
export interface SlotState {
  /** UID of the evicted pod. */
  readonly pod: string;
  /** `controllerKey` of the pod's top controller. */
  readonly owner: string;
  /** `awaited`: no replacement has landed. `failed`: a replacement landed on a node that cannot run it, or has a broken image. */
  readonly state: 'awaited' | 'failed';
  readonly hasRun: boolean;
  /** How often the slot was passed on to a replacement that bypassed the webhook. Absent if never. */
  readonly bypasses?: number | undefined;
  readonly ageMs: number;
  readonly heldForMs: number;
}

/** The trial eviction of a pause. */
export interface TrialState {
  readonly pod: string;
  readonly owner: string;
  readonly ageMs: number;
}

/** A pause. Its trial eviction is allowed in `trialInMs`, which is negative if the trial is overdue. */
export interface PauseState {
  readonly trialInMs: number;
  readonly trial?: TrialState | undefined;
}

export interface OwnerPauseState extends PauseState {
  readonly owner: string;
  readonly isBroken: boolean;
}

/** The pause of all evictions, with its cause. */
export interface FullPauseState extends PauseState {
  readonly violations: number;
  readonly owners: readonly string[];
  readonly namespaces: number;
}

export interface ViolationState {
  readonly pod: string;
  readonly owner: string;
  readonly namespace: string;
  readonly ageMs: number;
}

/** The state of the eviction brake. */
export interface BrakeSnapshot {
  readonly all?: FullPauseState | undefined;
  readonly owners: readonly OwnerPauseState[];
  /** Oldest first. */
  readonly violations: readonly ViolationState[];
}
