import { controllerKey, topControllerOf } from '@archpolicy/core';
import type { EvictionLedger, PlacementAssessment, PodFacts } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';
import type { Pods } from './ports.ts';

/** Where a replacement came to stand. */
export type Landing = 'right' | 'wrong';

/** A replacement that was seen to have landed. */
export interface SeenLanding {
  readonly landing: Landing;
  /** The watch had shown it without a node before: the scheduler has bound it, not whoever created it. */
  readonly inSight: boolean;
}

export interface ReplacementsOptions {
  readonly pods: Pick<Pods, 'byNamespace'>;
  readonly ledger: EvictionLedger;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** How often owners are looked for of which nothing is awaited any more. */
const SWEEP_MS = 60_000;

/**
 * Follows what comes in place of evicted pods (R6). A replacement is a pod of the same top controller that was not there
 * when an eviction was first asked for; each proves one eviction, the oldest first.
 */
export class Replacements {
  readonly #options: ReplacementsOptions;
  /** By owner, while it has evictions that wait for proof: pods that prove nothing, because they were there or have. */
  readonly #known = new Map<string, Set<string>>();
  /** Of the same owners: pods whose binding the watch has shown. */
  readonly #inSight = new Map<string, Set<string>>();
  #sweptAt = -Infinity;

  constructor(options: ReplacementsOptions) {
    this.#options = options;
  }

  /**
   * An eviction of this pod is about to be asked for: its replacement can be there before the answer is. A
   * further call of the same owner only adds the pod: whoever came since the first one is a replacement.
   */
  expect(evicted: PodFacts): void {
    this.#sweep();
    const owner = ownerOf(evicted);
    const known = this.#known.get(owner) ?? this.#present(evicted.namespace, owner);
    this.#known.set(owner, known.add(evicted.uid));
  }

  /** What came of it is known: where nothing waits for proof, the next eviction notes anew who is there. */
  settle(pod: PodFacts): void {
    const { ledger, clock } = this.#options;
    const owner = ownerOf(pod);
    if (ledger.awaited(owner, clock.monotonic()) === undefined) this.#forget(owner);
  }

  /** The watch showed this pod's binding. */
  bound(pod: PodFacts): void {
    if (this.#known.size === 0) return;
    const owner = ownerOf(pod);
    if (!this.#known.has(owner)) return;
    this.#inSight.set(owner, (this.#inSight.get(owner) ?? new Set()).add(pod.uid));
  }

  /** Owners whose replacements are followed. */
  get size(): number {
    return this.#known.size;
  }

  /** A pod was looked at. What it proves, if anything: images that are not known prove nothing. */
  see(pod: PodFacts, assessment: PlacementAssessment): SeenLanding | undefined {
    if (this.#known.size === 0) return undefined;
    const owner = ownerOf(pod);
    const known = this.#known.get(owner);
    const landing = landingOf(assessment);
    if (known === undefined || known.has(pod.uid) || landing === undefined) return undefined;
    known.add(pod.uid);
    const { ledger, clock } = this.#options;
    const evicted = ledger.awaited(owner, clock.monotonic());
    if (evicted !== undefined) ledger.landed(evicted, landing, clock.monotonic());
    const inSight = this.#inSight.get(owner)?.has(pod.uid) ?? false;
    this.settle(pod);
    return evicted === undefined ? undefined : { landing, inSight };
  }

  /** Of an owner that was deleted no pod comes any more that would settle it. */
  #sweep(): void {
    const { ledger, clock } = this.#options;
    const now = clock.monotonic();
    if (now < this.#sweptAt + SWEEP_MS) return;
    this.#sweptAt = now;
    for (const owner of this.#known.keys()) if (ledger.awaited(owner, now) === undefined) this.#forget(owner);
  }

  #forget(owner: string): void {
    this.#known.delete(owner);
    this.#inSight.delete(owner);
  }

  #present(namespace: string, owner: string): Set<string> {
    const pods = this.#options.pods.byNamespace(namespace);
    return new Set(pods.filter((pod) => ownerOf(pod) === owner).map(({ uid }) => uid));
  }
}

function ownerOf(pod: PodFacts): string {
  return controllerKey(topControllerOf(pod));
}

function landingOf(assessment: PlacementAssessment): Landing | undefined {
  switch (assessment.kind) {
    // Its node is one that all images support; that the image is broken is no fault of the placement.
    case 'broken-image':
    case 'fits':
      return 'right';
    case 'misplaced':
      return 'wrong';
    case 'unknown':
    case 'node-unknown':
      return undefined;
  }
}
