import type { Clock } from '@archpolicy/async';
import {
  ANNOTATION_DECISION,
  boundAtMs,
  controllerKey,
  LANDING_DEADLINE_MS,
  SLOT_HELD_MS,
  READY_AFTER_MS,
  findTopController,
} from '@archpolicy/core';
import type {
  ContainerEvidence,
  EvictionLedger,
  PlacementOutcome,
  PlacementAssessment,
  PodFacts,
} from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { Pods } from '../ports.ts';

/** The state of a pod that replaces an evicted pod. */
export type ReplacementState =
  | {
      readonly kind: 'landed';
      readonly landing: PlacementOutcome;
      /**
       * Whether the watch showed the replacement without a node before it showed the node. If so, the scheduler bound
       * the replacement, not its creator.
       */
      readonly observedUnbound: boolean;
    }
  /** The node supports the images of the replacement, but the replacement has not come up yet. */
  | {
      readonly kind: 'coming-up';
      /**
       * The time of the replacement's next evaluation, epoch milliseconds. Absent if the replacement is evaluated only
       * when it changes.
       */
      readonly untilMs?: number;
    };

export interface ReplacementsOptions {
  readonly pods: Pick<Pods, 'byController'>;
  readonly ledger: EvictionLedger;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** Interval at which all owners without an awaited replacement are dropped. */
const SWEEP_MS = 60_000;
/** The API server truncates the creation time of a pod to seconds. */
const TIMESTAMP_PRECISION_MS = 1_000;

/**
 * Tracks the replacements of evicted pods (R6). A replacement is a pod that has the same top controller as the evicted
 * pod, and did not exist when the first eviction was requested. Each replacement is assigned to the oldest eviction
 * without a replacement.
 *
 * A replacement on a node that supports its images counts as landed right only when it has come up, because its image
 * may be broken. After one replacement of an owner has come up, the owner's further replacements count as landed right
 * as soon as they are bound.
 */
export class Replacements {
  readonly #options: ReplacementsOptions;
  /**
   * UIDs of pods that do not count as replacements, because they existed before the eviction or have already been
   * counted. The key is the owner. An entry exists only while a replacement of one of the owner's pods is awaited.
   */
  readonly #notReplacements = new Map<string, Set<string>>();
  /** UIDs of pods whose binding the watch has shown. The keys are the same as in `#notReplacements`. */
  readonly #observedUnbound = new Map<string, Set<string>>();
  /**
   * Owners with a replacement that has come up. The value is the time until which further replacements of the owner
   * count at once (monotonic milliseconds).
   */
  readonly #cameUpUntil = new Map<string, number>();
  #sweptAt = -Infinity;

  constructor(options: ReplacementsOptions) {
    this.#options = options;
  }

  /**
   * Must be called before the eviction of this pod is requested, because the pod's replacement can exist before the
   * response arrives. A further call for the same owner adds only the evicted pod, because pods that were created since
   * the first call are replacements.
   */
  onEvictionRequested(evicted: PodFacts): void {
    this.#sweep();
    const owner = ownerKey(evicted);
    const known = this.#notReplacements.get(owner) ?? this.#existingPods(owner);
    this.#notReplacements.set(owner, known.add(evicted.uid));
  }

  /**
   * Tracks the replacements for which the previous leader waited. A pod of such an owner is a replacement if it was
   * created after the owner's oldest eviction. The times of the eviction and of the pod are of two clocks; if they
   * differ by more than a second, a slot may be held for longer.
   *
   * @returns the keys of these replacements, which must be evaluated
   */
  resume(): readonly string[] {
    const { ledger, clock, pods } = this.#options;
    const awaited = new Map(
      [...ledger.awaited(clock.monotonic())].filter(([owner]) => !this.#notReplacements.has(owner)),
    );
    const replacements: string[] = [];
    for (const [owner, ageMs] of awaited) {
      const evictedAtMs = clock.now() - ageMs;
      const existing = new Set<string>();
      for (const pod of pods.byController(owner)) {
        if (pod.createdAtMs + TIMESTAMP_PRECISION_MS > evictedAtMs) replacements.push(podKey(pod));
        else existing.add(pod.uid);
      }
      this.#notReplacements.set(owner, existing);
    }
    return replacements;
  }

  /**
   * Drops the pod's owner if no replacement of the owner's pods is awaited. Must be called when the outcome of the
   * pod's eviction is known.
   */
  prune(pod: PodFacts): void {
    const { ledger, clock } = this.#options;
    const owner = ownerKey(pod);
    if (ledger.oldestAwaited(owner, clock.monotonic()) === undefined) this.#forget(owner);
  }

  /** Records that the watch has shown the pod's binding. */
  onBound(pod: PodFacts): void {
    if (this.#notReplacements.size === 0) return;
    const owner = ownerKey(pod);
    if (!this.#notReplacements.has(owner)) return;
    this.#observedUnbound.set(owner, (this.#observedUnbound.get(owner) ?? new Set()).add(pod.uid));
  }

  /** Number of owners whose replacements are tracked. */
  get size(): number {
    return this.#notReplacements.size;
  }

  /**
   * Returns the state of an evaluated pod as a replacement. Returns undefined for a pod that is not a replacement, and
   * while the pod's images are unknown.
   */
  onPodEvaluated(pod: PodFacts, assessment: PlacementAssessment): ReplacementState | undefined {
    if (this.#notReplacements.size === 0) return undefined;
    const owner = ownerKey(pod);
    const known = this.#notReplacements.get(owner);
    if (known === undefined || known.has(pod.uid)) return undefined;
    const landing = this.#evaluateLanding(owner, pod, assessment);
    if (landing === undefined || typeof landing === 'object') return landing;
    known.add(pod.uid);
    const { ledger, clock } = this.#options;
    const evicted = ledger.oldestAwaited(owner, clock.monotonic());
    if (evicted !== undefined) ledger.recordLanding(evicted, landing, clock.monotonic());
    if (evicted !== undefined && landing === 'bypassed') ledger.passOn(evicted, pod.uid);
    const observedUnbound = this.#observedUnbound.get(owner)?.has(pod.uid) ?? false;
    this.prune(pod);
    return evicted === undefined ? undefined : { kind: 'landed', landing, observedUnbound };
  }

  #evaluateLanding(
    owner: string,
    pod: PodFacts,
    assessment: PlacementAssessment,
  ): PlacementOutcome | Extract<ReplacementState, { kind: 'coming-up' }> | undefined {
    const { now, monotonic } = { now: this.#options.clock.now(), monotonic: this.#options.clock.monotonic() };
    const evicted = this.#options.ledger.oldestAwaited(owner, monotonic);
    const mustBeReady = evicted !== undefined && this.#options.ledger.hadRun(evicted);
    if (hasComeUp(pod, assessment, now)) {
      this.#cameUpUntil.set(owner, monotonic + SLOT_HELD_MS);
      return 'right';
    }
    switch (assessment.kind) {
      case 'broken-image':
        return 'broken';
      case 'misplaced':
        // The webhook annotates each pod that it decides about. Tenants can remove the annotation, so the ledger bounds what follows.
        return pod.annotations[ANNOTATION_DECISION] === undefined ? 'bypassed' : 'wrong';
      case 'unknown':
      case 'node-unknown':
        return undefined;
      case 'fits':
        if (mustBeReady) return comingUp(pod);
        return (this.#cameUpUntil.get(owner) ?? -Infinity) > monotonic ? 'right' : mayHaveComeUp(pod, now);
    }
  }

  /**
   * Drops owners for which no replacement is awaited. This is needed because an owner that was deleted never creates a
   * replacement.
   */
  #sweep(): void {
    const { ledger, clock } = this.#options;
    const now = clock.monotonic();
    if (now < this.#sweptAt + SWEEP_MS) return;
    this.#sweptAt = now;
    for (const owner of this.#notReplacements.keys())
      if (ledger.oldestAwaited(owner, now) === undefined) this.#forget(owner);
    for (const [owner, untilMs] of this.#cameUpUntil) if (untilMs <= now) this.#cameUpUntil.delete(owner);
  }

  #forget(owner: string): void {
    this.#notReplacements.delete(owner);
    this.#observedUnbound.delete(owner);
  }

  #existingPods(owner: string): Set<string> {
    return new Set(this.#options.pods.byController(owner).map(({ uid }) => uid));
  }
}

function ownerKey(pod: PodFacts): string {
  return controllerKey(findTopController(pod));
}

/**
 * Whether the pod has been Ready for longer than a pod in a crash loop is. A pod of a Job has also come up if it has
 * succeeded.
 */
function hasComeUp(pod: PodFacts, assessment: PlacementAssessment, nowMs: number): boolean {
  if (pod.phase === 'Succeeded') return true;
  return assessment.kind === 'fits' && pod.ready.value && nowMs >= pod.ready.sinceMs + READY_AFTER_MS;
}

/**
 * Decides about a replacement that is not Ready. It counts as right a minute after its binding, if by then each of its
 * containers has run or ended, and the node has refused none of its containers. After that time, the architecture is
 * probably not the reason why the replacement is not Ready.
 */
function mayHaveComeUp(
  pod: PodFacts,
  nowMs: number,
): PlacementOutcome | Extract<ReplacementState, { kind: 'coming-up' }> {
  const rightAtMs = Math.max(boundAtMs(pod) + LANDING_DEADLINE_MS, triedAtMs(pod));
  return nowMs >= rightAtMs ? 'right' : comingUp(pod, rightAtMs);
}

/** @param otherwiseAtMs the time at which the replacement counts as right even if it is not Ready */
function comingUp(pod: PodFacts, otherwiseAtMs = Infinity): Extract<ReplacementState, { kind: 'coming-up' }> {
  const readyAtMs = pod.ready.value ? pod.ready.sinceMs + READY_AFTER_MS : Infinity;
  const untilMs = Math.min(readyAtMs, otherwiseAtMs);
  return { kind: 'coming-up', ...(Number.isFinite(untilMs) && { untilMs }) };
}

/**
 * Returns the time at which every container has run for long enough to exclude a wrong architecture, because a program
 * of the wrong architecture ends within a second. Returns Infinity while a container has not started.
 */
function triedAtMs({ containers }: PodFacts): number {
  return containers.length === 0 ? Infinity : Math.max(...containers.map(containerTriedAtMs));
}

function containerTriedAtMs({ runningSinceMs, restartCount, terminated }: ContainerEvidence): number {
  if (restartCount > 0 || terminated !== undefined) return -Infinity;
  return runningSinceMs === undefined ? Infinity : runningSinceMs + READY_AFTER_MS;
}
