import type { ContentFacts, FactSource, MissingPlatform } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';
import type { FetchFailure } from '../http/outcome.ts';

/** The facts that one registry host served under a digest, and where they were read. */
export interface CachedFacts {
  readonly content: ContentFacts;
  readonly source: FactSource;
  /**
   * When the facts expire (epoch milliseconds), if a part of the image could not be read. Absent for complete facts,
   * which never expire.
   */
  readonly untilMs?: number;
}

/** The digest that a registry returned to a credential scope, for a tag or for the digest itself. */
export interface CachedTag {
  readonly digest: string;
  /** Epoch milliseconds. */
  readonly confirmedAtMs: number;
}

/** The failure to read an image with one scope: the registry rejected the request, or did not answer. */
export interface NegativeEntry {
  readonly failure: FetchFailure;
  /** Epoch milliseconds. */
  readonly untilMs: number;
  /**
   * The total lifetime of the entry (milliseconds). The back-off after the next failure in a row is computed from it.
   */
  readonly pauseMs: number;
}

/** Platforms of an index for which a registry returned "not found" to a credential scope, although the index lists them (I9). */
export interface CachedMissing {
  /** The digest of the index. When the tag moves to another index, the entry does not apply to that index. */
  readonly digest: string;
  readonly platforms: readonly MissingPlatform[];
}

export interface MemoryLimits {
  /** Maximum size in bytes of the facts, which are stored by host and digest. */
  readonly factsBytes: number;
  /** Maximum size in bytes of the tags. Negative entries may use an eighth of this number in addition. */
  readonly tagsBytes: number;
}

/** The default limits, enough for the facts of 100,000 digests and for 100,000 tags. */
export const DEFAULT_MEMORY_LIMITS: MemoryLimits = { factsBytes: 32 * 1024 * 1024, tagsBytes: 32 * 1024 * 1024 };

/** Size of an entry without its strings: map slot, links, the value's object. Measured: 160 to 200 bytes. */
const ENTRY_OVERHEAD_BYTES = 200;
/**
 * Maximum number of entries for images with missing platforms. Such images are rare, and an entry takes less than 1 KB.
 */
const MAX_MISSING = 5_000;
/**
 * Maximum number of interned contents. Most images have one of some dozen lists of platforms, but an index may contain
 * any list.
 */
const MAX_SHARED_CONTENTS = 1_000;
/**
 * Number of platforms that are not counted in the size of an entry, because images usually share lists of up to this
 * length.
 */
const USUAL_PLATFORMS = 16;
const PLATFORM_BYTES = 120;

/**
 * The cache in memory (L1), bounded by bytes (K1). Facts are stored once by registry host and digest. The permission to
 * use them is stored separately, by credential scope (K2).
 */
export class MemoryCache {
  readonly #facts: LRUCache<string, CachedFacts>;
  readonly #contents = new LRUCache<string, ContentFacts>({ max: MAX_SHARED_CONTENTS });
  readonly #tags: LRUCache<string, CachedTag>;
  readonly #negativeEntries: LRUCache<string, NegativeEntry>;
  readonly #missing = new LRUCache<string, CachedMissing>({ max: MAX_MISSING });

  constructor(limits: MemoryLimits = DEFAULT_MEMORY_LIMITS) {
    this.#facts = new LRUCache({ maxSize: limits.factsBytes, sizeCalculation: factsSize });
    this.#tags = new LRUCache({
      maxSize: limits.tagsBytes,
      sizeCalculation: (tag, key) => key.length + tag.digest.length + ENTRY_OVERHEAD_BYTES,
    });
    this.#negativeEntries = new LRUCache({
      maxSize: Math.ceil(limits.tagsBytes / 8),
      sizeCalculation: (_, key) => key.length + ENTRY_OVERHEAD_BYTES,
    });
  }

  facts(key: string, nowMs: number): CachedFacts | undefined {
    const cached = this.#facts.get(key);
    return cached?.untilMs !== undefined && cached.untilMs <= nowMs ? undefined : cached;
  }

  /** Stores facts. Incomplete facts do not replace complete ones. */
  putFacts(key: string, facts: CachedFacts): void {
    if (facts.untilMs !== undefined && this.#isComplete(key)) return;
    this.#facts.set(key, { ...facts, content: this.#intern(facts.content) });
  }

  #isComplete(key: string): boolean {
    const cached = this.#facts.peek(key);
    return cached !== undefined && cached.untilMs === undefined;
  }

  /** Returns the same object for equal contents. This saves memory, because many images have the same platforms. */
  #intern(content: ContentFacts): ContentFacts {
    const key = JSON.stringify(content);
    const interned = this.#contents.get(key);
    if (interned === undefined) this.#contents.set(key, content);
    return interned ?? content;
  }

  tag(scope: string, image: string): CachedTag | undefined {
    return this.#tags.get(scopedKey(scope, image));
  }

  putTag(scope: string, image: string, tag: CachedTag): void {
    this.#tags.set(scopedKey(scope, image), tag);
  }

  deleteTag(scope: string, image: string): void {
    this.#tags.delete(scopedKey(scope, image));
  }

  negativeEntry(scope: string, image: string, nowMs: number): NegativeEntry | undefined {
    const entry = this.#negativeEntries.get(scopedKey(scope, image));
    return entry !== undefined && entry.untilMs > nowMs ? entry : undefined;
  }

  /** Returns the last negative entry, even if it has expired. */
  lastNegativeEntry(scope: string, image: string): NegativeEntry | undefined {
    return this.#negativeEntries.peek(scopedKey(scope, image));
  }

  deleteNegativeEntry(scope: string, image: string): void {
    this.#negativeEntries.delete(scopedKey(scope, image));
  }

  putNegativeEntry(scope: string, image: string, entry: NegativeEntry): void {
    this.#negativeEntries.set(scopedKey(scope, image), entry);
  }

  missingPlatforms(scope: string, image: string): CachedMissing | undefined {
    // This is a fast path, because the method is called for each image of each pod, and there is almost never an entry.
    return this.#missing.size === 0 ? undefined : this.#missing.get(scopedKey(scope, image));
  }

  putMissing(scope: string, image: string, missing: CachedMissing): void {
    this.#missing.set(scopedKey(scope, image), missing);
  }

  /** The calculated size of all entries. */
  get bytes(): number {
    return this.#facts.calculatedSize + this.#tags.calculatedSize + this.#negativeEntries.calculatedSize;
  }
}

function scopedKey(scope: string, image: string): string {
  return `${scope} ${image}`;
}

/**
 * Returns the size of an entry. Counts the platforms beyond `USUAL_PLATFORMS`, because images rarely share such a long
 * list.
 */
function factsSize({ content }: CachedFacts, key: string): number {
  const extra =
    content.kind === 'platforms' ? Math.max(0, content.platforms.length - USUAL_PLATFORMS) * PLATFORM_BYTES : 0;
  return key.length + ENTRY_OVERHEAD_BYTES + extra;
}
