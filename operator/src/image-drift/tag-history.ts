import { compareContents } from '@archpolicy/core';
import type { ContentChange, ImageFacts, Inspection, NodeArchitecture } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';

/** The content behind an image reference is another than before, and runs on other architectures. */
export interface ChangedContent extends ContentChange {
  /** As written in pods. */
  readonly image: string;
  /** Digests. */
  readonly from: string;
  readonly to: string;
  /** Who was shown it, as `see` was told; absent: everybody. */
  readonly audience?: string;
}

/** Architectures that an image had, and has not got back. */
export interface Loss {
  readonly image: string;
  readonly architectures: ReadonlySet<NodeArchitecture>;
  /** The last digest that had the first of them, and the first that had not. */
  readonly from: string;
  readonly to: string;
}

/** As many references as the inspector keeps parsed. */
const MAX_IMAGES = 20_000;
/** One push of a shared base can cost many images an architecture; people fix the base. */
const MAX_LOSSES = 1_000;

interface Seen {
  readonly facts: ImageFacts;
  /** When its registry said so, epoch milliseconds. */
  readonly confirmedAtMs: number;
}

/**
 * What was behind each image reference when it was looked at last, in this process: by that a change is told. Bounded;
 * after a restart the first look tells nothing.
 */
export class Contents {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #onChange: (change: ChangedContent) => void;
  /** The one that was looked at least recently comes first. */
  readonly #seen = new Map<string, Seen>();
  readonly #losses = new Map<string, Loss>();

  constructor(clock: Pick<Clock, 'now'>, onChange: (change: ChangedContent) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /**
   * What an inspection of the image said.
   * @param audience who is told of changes that it shows; absent: everybody
   */
  see(image: string, inspection: Inspection, audience?: string): void {
    // What a policy says of an image has no content.
    if (inspection.kind === 'unresolved' || inspection.source === 'override') return;
    const { facts, ageMs } = inspection;
    const key = audience === undefined ? image : `${audience} ${image}`;
    const before = this.#seen.get(key);
    const confirmedAtMs = this.#clock.now() - ageMs;
    // Another credential may have been told longer ago.
    const isOlder = before !== undefined && before.confirmedAtMs > confirmedAtMs;
    this.#keep(key, isOlder ? before : { facts, confirmedAtMs });
    if (isOlder || before === undefined || before.facts.digest === facts.digest) return;
    const change = compareContents(before.facts, facts);
    if (change.lost.length === 0 && change.gained.length === 0) return;
    const to = { to: facts.digest, ...(audience !== undefined && { audience }) };
    const changed = { image, from: before.facts.digest, ...to, ...change };
    this.#follow(changed);
    this.#onChange(changed);
  }

  /** Losses that nothing has made good yet. */
  losses(): readonly Loss[] {
    return [...this.#losses.values()];
  }

  /** Nobody is concerned by it any more. */
  drop({ image }: Loss): void {
    this.#losses.delete(image);
  }

  #keep(key: string, seen: Seen): void {
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    boundTo(this.#seen, MAX_IMAGES);
  }

  #follow({ image, from, to, lost, gained }: ChangedContent): void {
    const before = this.#losses.get(image);
    const architectures = new Set([...(before?.architectures ?? []), ...lost]);
    for (const architecture of gained) architectures.delete(architecture);
    this.#losses.delete(image);
    if (architectures.size === 0) return;
    this.#losses.set(image, { image, architectures, from: before?.from ?? from, to: before?.to ?? to });
    boundTo(this.#losses, MAX_LOSSES);
  }
}

function boundTo(map: Map<string, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return;
    map.delete(oldest);
  }
}
