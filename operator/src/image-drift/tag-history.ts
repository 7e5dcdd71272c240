import type { Clock } from '@archpolicy/async';
import { compareContents, withoutUndefined } from '@archpolicy/core';
import type { ContentChange, ImageFacts, Inspection, NodeArchitecture } from '@archpolicy/core';

/** A change of an image reference to content that supports other architectures than before. */
export interface ImageDrift extends ContentChange {
  /** The image reference as written in pods. */
  readonly image: string;
  /** The digest before the change. `to` is the digest after the change. */
  readonly from: string;
  readonly to: string;
  /** The namespace whose pull secrets were used. Absent if the change was observed without pull secrets. */
  readonly audience?: string;
}

/** Architectures that an image supported before and does not support now. */
export interface LostArchitecture {
  readonly image: string;
  readonly architectures: ReadonlySet<NodeArchitecture>;
  /** The digest of the image before it lost the first architecture. `to` is its digest after that loss. */
  readonly from: string;
  readonly to: string;
}

/** Maximum number of stored references, as in the inspector's cache of parsed references. */
const MAX_IMAGES = 20_000;
/** Maximum number of reported losses. One push of a base image can affect many images. */
const MAX_LOSSES = 1_000;

interface Observation {
  readonly facts: ImageFacts;
  /** The time at which the registry returned the facts, epoch milliseconds. */
  readonly confirmedAtMs: number;
}

/**
 * Stores the last observed content of each image reference, and compares it with the next observed content. The history
 * is in memory and bounded: the least recently observed reference is removed first. After a restart, the first
 * observation of an image reports no change, because there is nothing to compare it with.
 */
export class TagHistory {
  readonly #clock: Pick<Clock, 'now'>;
  /** The last observation of each reference, the least recent first. */
  readonly #observed = new Map<string, Observation>();
  readonly #lost = new Map<string, LostArchitecture>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /**
   * Records the result of an inspection. Returns the drift, or undefined if the supported architectures are unchanged.
   * @param audience the namespace in whose history the result is recorded; if absent, it is recorded in the history of
   * inspections without pull secrets
   */
  observe(image: string, inspection: Inspection, audience?: string): ImageDrift | undefined {
    // An override of a policy is ignored, because it does not show the content of the image.
    if (inspection.kind === 'unresolved' || inspection.source === 'override') return undefined;
    const { facts, ageMs } = inspection;
    const key = audience === undefined ? image : `${audience} ${image}`;
    const before = this.#observed.get(key);
    const confirmedAtMs = this.#clock.now() - ageMs;
    // The result can be older than the last observation, because it can come from the cache entry of another pod's
    // credential. An older result must not replace a newer observation.
    const isOlder = before !== undefined && before.confirmedAtMs > confirmedAtMs;
    this.#keep(key, isOlder ? before : { facts, confirmedAtMs });
    if (isOlder || before === undefined || before.facts.digest === facts.digest) return undefined;
    const change = compareContents(before.facts, facts);
    if (change.lost.length === 0 && change.gained.length === 0) return undefined;
    const drift = withoutUndefined({ image, from: before.facts.digest, to: facts.digest, audience, ...change });
    this.#updateLost(drift);
    return drift;
  }

  /** Returns the architectures that images lost and have not regained. */
  lostArchitectures(): readonly LostArchitecture[] {
    return [...this.#lost.values()];
  }

  /** Drops a loss that affects no pod, unless the image has lost or gained an architecture since. */
  drop(loss: LostArchitecture): void {
    if (this.#lost.get(loss.image) === loss) this.#lost.delete(loss.image);
  }

  #keep(key: string, observed: Observation): void {
    this.#observed.delete(key);
    this.#observed.set(key, observed);
    boundTo(this.#observed, MAX_IMAGES);
  }

  #updateLost({ image, from, to, lost, gained }: ImageDrift): void {
    const before = this.#lost.get(image);
    const architectures = new Set([...(before?.architectures ?? []), ...lost]);
    for (const architecture of gained) architectures.delete(architecture);
    this.#lost.delete(image);
    if (architectures.size === 0) return;
    this.#lost.set(image, { image, architectures, from: before?.from ?? from, to: before?.to ?? to });
    boundTo(this.#lost, MAX_LOSSES);
  }
}

function boundTo(map: Map<string, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return;
    map.delete(oldest);
  }
}
