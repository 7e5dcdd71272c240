import type { Clock } from '@archpolicy/async';
import {
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
import type { Pods } from '../ports.ts';

/** What a pod that replaces an evicted one shows. */
export type ReplacementState =
  | {
      readonly kind: 'landed';
      readonly landing: PlacementOutcome;
      /** The watch had shown it without a node before: the scheduler has bound it, not its creator. */
      readonly observedUnbound: boolean;
    }
  /** Its node supports its images, and it has not come up yet. */
  | {
      readonly kind: 'coming-up';
      /** Epoch milliseconds at which it is to be evaluated again; absent: when it changes. */
      readonly untilMs?: number;
    };

export interface ReplacementsOptions {
  readonly pods: Pick<Pods, 'byNamespace'>;
  readonly ledger: EvictionLedger;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** How often owners without an awaited replacement are dropped. */
const SWEEP_MS = 60_000;

/**
 * Follows the replacements of evicted pods (R6). A replacement is a pod of the same top controller that did not exist when
 * an eviction was first requested; each proves one eviction, the oldest first.
 *
 * On a node that supports its images a replacement has landed right once it has come up: before that, it may still turn out
 * to be a broken image. Once one has, further ones of its owner have landed as soon as they are bound.
 */
export class Replacements {
  readonly #options: ReplacementsOptions;
  /** By owner, while it has unproven evictions: pods that prove nothing, because they existed before or already have. */
  readonly #notReplacements = new Map<string, Set<string>>();
  /** Of the same owners: pods whose binding the watch has shown. */
  readonly #observedUnbound = new Map<string, Set<string>>();
  /** Owners of which a replacement has come up, until when that counts (monotonic). */
  readonly #cameUpUntil = new Map<string, number>();
  #sweptAt = -Infinity;

  constructor(options: ReplacementsOptions) {
    this.#options = options;
  }

  /**
   * An eviction of this pod is about to be requested: its replacement can exist before the answer arrives. A further call
   * for the same owner only adds the pod: pods that were created since the first one are replacements.
   */
  onEvictionRequested(evicted: PodFacts): void {
    this.#sweep();
    const owner = ownerKey(evicted);
    const known = this.#notReplacements.get(owner) ?? this.#existingPods(evicted.namespace, owner);
    this.#notReplacements.set(owner, known.add(evicted.uid));
  }

  /** The eviction of this pod has an outcome: an owner without unproven evictions is dropped until its next one. */
  prune(pod: PodFacts): void {
    const { ledger, clock } = this.#options;
    const owner = ownerKey(pod);
    if (ledger.oldestAwaited(owner, clock.monotonic()) === undefined) this.#forget(owner);
  }

  /** The watch has shown the pod's binding. */
  onBound(pod: PodFacts): void {
    if (this.#notReplacements.size === 0) return;
    const owner = ownerKey(pod);
    if (!this.#notReplacements.has(owner)) return;
    this.#observedUnbound.set(owner, (this.#observedUnbound.get(owner) ?? new Set()).add(pod.uid));
  }

  /** Owners whose replacements are followed. */
  get size(): number {
    return this.#notReplacements.size;
  }

  /** Returns what an evaluated pod shows, if it is a replacement. Unknown images show nothing. */
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
        return 'wrong';
      case 'unknown':
      case 'node-unknown':
        return undefined;
      case 'fits':
        if (mustBeReady) return comingUp(pod);
        return (this.#cameUpUntil.get(owner) ?? -Infinity) > monotonic ? 'right' : mayHaveComeUp(pod, now);
    }
  }

  /** The replacements of a deleted owner never come. */
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

  #existingPods(namespace: string, owner: string): Set<string> {
    const pods = this.#options.pods.byNamespace(namespace);
    return new Set(pods.filter((pod) => ownerKey(pod) === owner).map(({ uid }) => uid));
  }
}

function ownerKey(pod: PodFacts): string {
  return controllerKey(findTopController(pod));
}

/** Ready for as long as no crash loop is, or, a pod of a Job, finished well. */
function hasComeUp(pod: PodFacts, assessment: PlacementAssessment, nowMs: number): boolean {
  if (pod.phase === 'Succeeded') return true;
  return assessment.kind === 'fits' && pod.ready.value && nowMs >= pod.ready.sinceMs + READY_AFTER_MS;
}

/**
 * A replacement may have reasons of its own not to become Ready. It counts as right a minute after its binding, when each of
 * its containers has been running or has ended by then and the node has refused none.
 */
function mayHaveComeUp(
  pod: PodFacts,
  nowMs: number,
): PlacementOutcome | Extract<ReplacementState, { kind: 'coming-up' }> {
  const rightAtMs = Math.max(boundAtMs(pod) + LANDING_DEADLINE_MS, triedAtMs(pod));
  return nowMs >= rightAtMs ? 'right' : comingUp(pod, rightAtMs);
}

/** @param otherwiseAtMs when it counts as right although it is not Ready */
function comingUp(pod: PodFacts, otherwiseAtMs = Infinity): Extract<ReplacementState, { kind: 'coming-up' }> {
  const readyAtMs = pod.ready.value ? pod.ready.sinceMs + READY_AFTER_MS : Infinity;
  const untilMs = Math.min(readyAtMs, otherwiseAtMs);
  return { kind: 'coming-up', ...(Number.isFinite(untilMs) && { untilMs }) };
}

/** When each of its programs has been tried for long enough: a refused one ends within a second. Infinity: not known yet. */
function triedAtMs({ containers }: PodFacts): number {
  return containers.length === 0 ? Infinity : Math.max(...containers.map(containerTriedAtMs));
}

function containerTriedAtMs({ runningSinceMs, restartCount, terminated }: ContainerEvidence): number {
  if (restartCount > 0 || terminated !== undefined) return -Infinity;
  return runningSinceMs === undefined ? Infinity : runningSinceMs + READY_AFTER_MS;
}
