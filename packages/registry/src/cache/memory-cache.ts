import type { ContentFacts, FactSource } from '@archpolicy/core';
import { LRUCache } from 'lru-cache';
import type { FetchFailure } from '../http/outcome.ts';

/** What one registry host served under a digest, with where this process has it from. */
export interface KnownFacts {
  readonly content: ContentFacts;
  readonly source: FactSource;
  /** Absent: complete, and true for ever. Set when a part could not be read (epoch milliseconds). */
  readonly untilMs?: number;
}

/** A registry showed this digest to a credential scope. */
export interface Shown {
  readonly digest: string;
  /** Epoch milliseconds. */
  readonly confirmedAtMs: number;
}

/** A registry refused a credential scope, or could not be asked. */
export interface Refusal {
  readonly failure: FetchFailure;
  /** Epoch milliseconds. */
  readonly untilMs: number;
  /** How long it holds in all, milliseconds: what the next one in a row is measured by. */
  readonly pauseMs: number;
}

export interface MemoryLimits {
  /** Bytes for facts by host and digest. */
  readonly factsBytes: number;
  /** Bytes for what was shown or refused to whom. */
  readonly shownBytes: number;
}

/** 100,000 digests and 100,000 tags fit with room to spare. */
export const DEFAULT_MEMORY_LIMITS: MemoryLimits = { factsBytes: 32 * 1024 * 1024, shownBytes: 32 * 1024 * 1024 };

/** Cost of an entry beside its strings: map slot, links, the value's object. Measured: 160 to 200 bytes. */
const ENTRY_OVERHEAD_BYTES = 200;
/** Different lists of platforms in use: some dozens; an image index can make up others. */
const MAX_SHARED_CONTENTS = 1_000;
/** Lists up to this length are those that images share. */
const USUAL_PLATFORMS = 16;
const PLATFORM_BYTES = 120;

/**
 * L1: everything in one process, bounded by bytes (K1). Facts are stored once by registry host and digest; who may use
 * them stands apart, by credential scope (K2).
 */
export class MemoryCache {
  readonly #facts: LRUCache<string, KnownFacts>;
  readonly #contents = new LRUCache<string, ContentFacts>({ max: MAX_SHARED_CONTENTS });
  readonly #shown: LRUCache<string, Shown>;
  readonly #refusals: LRUCache<string, Refusal>;

  constructor(limits: MemoryLimits = DEFAULT_MEMORY_LIMITS) {
    this.#facts = new LRUCache({ maxSize: limits.factsBytes, sizeCalculation: sizeOfFacts });
    this.#shown = new LRUCache({
      maxSize: limits.shownBytes,
      sizeCalculation: (shown, key) => key.length + shown.digest.length + ENTRY_OVERHEAD_BYTES,
    });
    this.#refusals = new LRUCache({
      maxSize: Math.ceil(limits.shownBytes / 8),
      sizeCalculation: (_, key) => key.length + ENTRY_OVERHEAD_BYTES,
    });
  }

  facts(key: string, nowMs: number): KnownFacts | undefined {
    const known = this.#facts.get(key);
    return known?.untilMs !== undefined && known.untilMs <= nowMs ? undefined : known;
  }

  /** What is known whole is not replaced by what was read in part. */
  putFacts(key: string, facts: KnownFacts): void {
    if (facts.untilMs !== undefined && this.#isComplete(key)) return;
    this.#facts.set(key, { ...facts, content: this.#shared(facts.content) });
  }

  #isComplete(key: string): boolean {
    const known = this.#facts.peek(key);
    return known !== undefined && known.untilMs === undefined;
  }

  /** Most images say the same: what they say is kept once. */
  #shared(content: ContentFacts): ContentFacts {
    const key = JSON.stringify(content);
    const known = this.#contents.get(key);
    if (known === undefined) this.#contents.set(key, content);
    return known ?? content;
  }

  shown(scope: string, subject: string): Shown | undefined {
    return this.#shown.get(scopedKey(scope, subject));
  }

  putShown(scope: string, subject: string, shown: Shown): void {
    this.#shown.set(scopedKey(scope, subject), shown);
  }

  forgetShown(scope: string, subject: string): void {
    this.#shown.delete(scopedKey(scope, subject));
  }

  refusal(asker: string, subject: string, nowMs: number): Refusal | undefined {
    const refusal = this.#refusals.get(scopedKey(asker, subject));
    return refusal !== undefined && refusal.untilMs > nowMs ? refusal : undefined;
  }

  /** The last one, though its time may be over. */
  lastRefusal(asker: string, subject: string): Refusal | undefined {
    return this.#refusals.peek(scopedKey(asker, subject));
  }

  forgetRefusal(asker: string, subject: string): void {
    this.#refusals.delete(scopedKey(asker, subject));
  }

  putRefusal(asker: string, subject: string, refusal: Refusal): void {
    this.#refusals.set(scopedKey(asker, subject), refusal);
  }

  /** Bytes in use, as calculated. */
  get bytes(): number {
    return this.#facts.calculatedSize + this.#shown.calculatedSize + this.#refusals.calculatedSize;
  }
}

function scopedKey(scope: string, subject: string): string {
  return `${scope} ${subject}`;
}

/** A list that others share costs nothing; one of its own may be long, and counts whole. */
function sizeOfFacts({ content }: KnownFacts, key: string): number {
  const extra =
    content.kind === 'platforms' ? Math.max(0, content.platforms.length - USUAL_PLATFORMS) * PLATFORM_BYTES : 0;
  return key.length + ENTRY_OVERHEAD_BYTES + extra;
}
