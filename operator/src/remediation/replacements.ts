import { controllerKey, topControllerOf } from '@archpolicy/core';
import type { EvictionLedger, PlacementAssessment, PodFacts } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';
import type { Pods } from './ports.ts';

/** Where a replacement came to stand. */
export type Landing = 'right' | 'wrong';

export interface ReplacementsOptions {
  readonly pods: Pick<Pods, 'byNamespace'>;
  readonly ledger: EvictionLedger;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * Follows what comes in place of evicted pods (R6). A replacement is a pod of the same top controller that was not there
 * when the eviction was accepted; each proves one eviction, the oldest first.
 */
export class Replacements {
  readonly #options: ReplacementsOptions;
  /** By owner, while it has evictions that wait for proof: pods that prove nothing, because they were there or have. */
  readonly #known = new Map<string, Set<string>>();

  constructor(options: ReplacementsOptions) {
    this.#options = options;
  }

  /** An eviction of this pod has been accepted. */
  expect(evicted: PodFacts): void {
    const owner = ownerOf(evicted);
    const known = this.#known.get(owner) ?? new Set<string>();
    for (const pod of this.#options.pods.byNamespace(evicted.namespace)) if (ownerOf(pod) === owner) known.add(pod.uid);
    this.#known.set(owner, known.add(evicted.uid));
  }

  /** A pod was looked at. What it proves, if anything: images that are not known prove nothing. */
  see(pod: PodFacts, assessment: PlacementAssessment): Landing | undefined {
    if (this.#known.size === 0) return undefined;
    const owner = ownerOf(pod);
    const known = this.#known.get(owner);
    const landing = landingOf(assessment);
    if (known === undefined || known.has(pod.uid) || landing === undefined) return undefined;
    known.add(pod.uid);
    return this.#prove(owner, landing);
  }

  #prove(owner: string, landing: Landing): Landing | undefined {
    const { ledger, clock } = this.#options;
    const now = clock.monotonic();
    const evicted = ledger.awaited(owner, now);
    if (evicted !== undefined) ledger.landed(evicted, landing, now);
    // Nothing waits for proof any more: the next eviction notes anew who is there.
    if (ledger.awaited(owner, now) === undefined) this.#known.delete(owner);
    return evicted === undefined ? undefined : landing;
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
