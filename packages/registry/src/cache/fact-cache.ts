import type { Clock } from '@archpolicy/async';
import type { ClusterSharing } from '../hosts/cluster-sharing.ts';
import type { ParsedImage } from '../image/image-key.ts';
import type { RegistryMetrics } from '../metrics.ts';
import type { CacheKeys } from './cache-keys.ts';
import {
  decodeFacts,
  decodeMissing,
  decodeNegativeEntry,
  decodeTag,
  encodeFacts,
  encodeMissing,
  encodeNegativeEntry,
  encodeTag,
} from './codec.ts';
import { acquireFetchLock } from './fetch-lock.ts';
import type { FetchLock } from './fetch-lock.ts';
import { LoadTimes } from './load-times.ts';
import type { CachedFacts, CachedMissing, CachedTag, MemoryCache, NegativeEntry } from './memory-cache.ts';
import { NEGATIVE_TTL_MS } from './negative-cache.ts';
import { storedConfirmationMs } from './tag-times.ts';
import { NO_SHARED_STORE } from './shared-store.ts';
import type { SharedStore } from './shared-store.ts';
import type { ValueCipher } from './encrypted-value.ts';

interface CacheParts {
  readonly memory: MemoryCache;
  readonly store: SharedStore;
  readonly keys: CacheKeys;
  readonly cipher: ValueCipher;
  readonly clock: Clock;
  readonly metrics: RegistryMetrics;
}

/**
 * How long facts stay in the store after a replica last stored them. They do not become outdated, because content under
 * a digest never changes.
 */
const FACTS_TTL_MS = 30 * 24 * 60 * 60_000;
/** A value that counts as absent. */
const DELETED = Buffer.alloc(0);

/** Content at one registry host. */
export interface HostedDigest {
  readonly host: string;
  readonly digest: string;
  /** Which clusters share the entry in the store. */
  readonly sharing: ClusterSharing;
}

/** An image for one cache scope. */
export interface ScopedImage {
  readonly scope: string;
  /** The key of the image, `ParsedImage.key`. */
  readonly image: string;
  /** Which clusters share the entry in the store. */
  readonly sharing: ClusterSharing;
}

/** What to load for an image: the scopes of its tags and of its failures. */
export interface LoadRequest {
  readonly tagScopes: readonly string[];
  readonly failureScopes: readonly string[];
  readonly sharing: ClusterSharing;
}

/** A key with its value in the store; `bytes` is undefined when the store has no value. */
type StoredValue = { readonly key: string; readonly bytes: Buffer | undefined } | undefined;

/** The caches of images (K1): memory (L1) and, if there is one, the store that replicas share (L2). */
export class FactCache {
  readonly #parts: CacheParts;
  /** Whether there is a store that other replicas share. */
  readonly isShared: boolean;
  /** When the store was last read, for each image that is referenced by digest. */
  readonly #loaded = new LoadTimes();
  /** Settles when all writes to the store so far have ended. */
  #writes: Promise<unknown> = Promise.resolve();

  constructor(parts: CacheParts) {
    this.#parts = parts;
    this.isShared = parts.store !== NO_SHARED_STORE;
  }

  /**
   * Returns the facts that this registry host served under the digest. Facts from another host are not used, because
   * that host may lie.
   */
  facts(host: string, digest: string, nowMs: number): CachedFacts | undefined {
    return this.#parts.memory.facts(factsKey(host, digest), nowMs);
  }

  tag(scope: string, image: string): CachedTag | undefined {
    return this.#parts.memory.tag(scope, image);
  }

  negativeEntry(scope: string, image: string, nowMs: number): NegativeEntry | undefined {
    return this.#parts.memory.negativeEntry(scope, image, nowMs);
  }

  /** Returns the last failure, even if it has expired. */
  lastNegativeEntry(scope: string, image: string): NegativeEntry | undefined {
    return this.#parts.memory.lastNegativeEntry(scope, image);
  }

  putFacts({ host, digest, sharing }: HostedDigest, facts: CachedFacts): void {
    const key = factsKey(host, digest);
    this.#parts.memory.putFacts(key, facts);
    if (!this.isShared || facts.untilMs !== undefined) return;
    this.#store(this.#parts.keys.cacheKey('facts', key, sharing), encodeFacts(facts.content), FACTS_TTL_MS);
  }

  putTag(name: ScopedImage, tag: CachedTag, ttlMs: number): void {
    this.#parts.memory.putTag(name.scope, name.image, tag);
    if (this.isShared) this.#store(this.#key('tag', name), encodeTag(tag), ttlMs);
  }

  deleteTag(name: ScopedImage): void {
    this.#parts.memory.deleteTag(name.scope, name.image);
    const key = this.isShared ? this.#key('tag', name) : undefined;
    if (key !== undefined) this.#track(this.#parts.store.set(key, DELETED, 1));
  }

  /**
   * Stores a failure. Shares a failure that concerns all replicas, so that other replicas do not repeat the request
   * (K4).
   */
  putNegativeEntry(name: ScopedImage, entry: NegativeEntry): void {
    this.#parts.memory.putNegativeEntry(name.scope, name.image, entry);
    const encoded = encodeNegativeEntry(entry);
    if (!this.isShared || encoded === undefined || entry.pauseMs < 1) return;
    this.#store(this.#key('failure', name), encoded, entry.pauseMs);
  }

  /** Deletes the failure after a success, so that the next failure counts as the first in a row. */
  deleteNegativeEntry(scope: string, image: string): void {
    this.#parts.memory.deleteNegativeEntry(scope, image);
  }

  /**
   * Returns the platforms that the index lists but for which the registry no longer has a manifest (I9). The check used
   * the credential of this cache scope.
   */
  missingPlatforms(scope: string, image: string): CachedMissing | undefined {
    return this.#parts.memory.missingPlatforms(scope, image);
  }

  putMissing(name: ScopedImage, missing: CachedMissing, ttlMs: number): void {
    this.#parts.memory.putMissing(name.scope, name.image, missing);
    if (this.isShared) this.#store(this.#key('missing', name), encodeMissing(missing), ttlMs);
  }

  /**
   * Whether the store was last read before `sinceMs` for this image, so that memory may lack newer results of other
   * replicas. This can be true for a reference by digest, because its entry stays fresh for a day, and the store is not
   * read again during that day. It is always false for a tag, because a tag is revalidated often, and each revalidation
   * reads the store before it sends a request.
   */
  isOutdated({ key, reference }: ParsedImage, sinceMs: number): boolean {
    return this.isShared && reference.digest !== undefined && this.#loaded.of(key) <= sinceMs;
  }

  /** Loads the entries of an image from the store into memory, in at most two round trips. */
  async load({ key, host, reference }: ParsedImage, { tagScopes, failureScopes, sharing }: LoadRequest): Promise<void> {
    if (!this.isShared) return;
    const tagKeys = tagScopes.map((scope) => this.#key('tag', { scope, image: key, sharing }));
    // Sent together with the reads, so it takes no further round trip.
    const remaining = this.#remainingMs(tagKeys);
    const values = await this.#read([
      ...tagKeys,
      ...failureScopes.map((scope) => this.#key('failure', { scope, image: key, sharing })),
      ...tagScopes.map((scope) => this.#key('missing', { scope, image: key, sharing })),
    ]);
    if (reference.digest !== undefined) this.#loaded.set(key, this.#parts.clock.now());
    const remainingMs = await remaining;
    const tagged = tagScopes.map((scope, at) => this.#loadTag({ scope, image: key }, values[at], remainingMs[at]));
    for (const [at, scope] of failureScopes.entries()) this.#loadFailure(scope, key, values[tagScopes.length + at]);
    const missing = values.slice(tagScopes.length + failureScopes.length);
    for (const [at, scope] of tagScopes.entries()) this.#loadMissing(scope, key, missing[at]);
    const digests = new Set([reference.digest, ...tagged].filter((digest) => digest !== undefined));
    await this.#loadFacts(
      [...digests].map((digest) => factsKey(host, digest)),
      sharing,
    );
  }

  /** Acquires the lock on fetching an image, and extends it until it is released. */
  lock(image: string, sharing: ClusterSharing): Promise<FetchLock> {
    const { store, keys, clock } = this.#parts;
    const key = keys.cacheKey('lock', image, sharing);
    return acquireFetchLock({ key, store, clock, written: () => this.#writes });
  }

  #key(kind: 'tag' | 'failure' | 'missing', { scope, image, sharing }: ScopedImage): string | undefined {
    return this.#parts.keys.cacheKey(kind, `${scope} ${image}`, sharing);
  }

  /** Stores a value, unless it has no key: it is then kept in memory only. */
  #store(key: string | undefined, payload: string, ttlMs: number): void {
    if (key === undefined) return;
    const { store, cipher } = this.#parts;
    this.#track(store.set(key, cipher.encrypt(key, payload), ttlMs));
  }

  #track(write: Promise<void>): void {
    // Drop the results, because otherwise each promise would retain the results of all earlier promises.
    this.#writes = Promise.all([this.#writes, write]).then(() => undefined);
  }

  /** Loads a tag, and returns its digest. */
  #loadTag(
    { scope, image }: Pick<ScopedImage, 'scope' | 'image'>,
    value: StoredValue,
    remainingMs: number | undefined,
  ): string | undefined {
    const { memory, clock } = this.#parts;
    const read = this.#decode(value, decodeTag);
    const stored = read && {
      ...read,
      confirmedAtMs: storedConfirmationMs(read.confirmedAtMs, remainingMs, clock.now()),
    };
    const cached = memory.tag(scope, image);
    // Keep the entry that was confirmed later.
    if (stored !== undefined && (cached === undefined || cached.confirmedAtMs < stored.confirmedAtMs)) {
      memory.putTag(scope, image, stored);
    }
    return (stored ?? cached)?.digest;
  }

  #loadFailure(scope: string, image: string, value: StoredValue): void {
    const { memory, clock } = this.#parts;
    // An absent entry means that no request has failed, as for most images. Do not count it as a cache miss.
    const entry = value?.bytes === undefined ? undefined : this.#decode(value, decodeNegativeEntry);
    const now = clock.now();
    // Ignore an entry that would expire later than an entry stored now, because the clocks of replicas differ.
    if (entry === undefined || entry.untilMs > now + NEGATIVE_TTL_MS) return;
    if (memory.negativeEntry(scope, image, now) === undefined) memory.putNegativeEntry(scope, image, entry);
  }

  #loadMissing(scope: string, image: string, value: StoredValue): void {
    // An absent entry means that no platform is missing, as for most images. Do not count it as a cache miss.
    const missing = value?.bytes === undefined ? undefined : this.#decode(value, decodeMissing);
    if (missing === undefined) return;
    // The clocks of replicas differ: an entry must not expire later than one that is stored now.
    const now = this.#parts.clock.now();
    const platforms = missing.platforms.map((platform) => ({ ...platform, sinceMs: Math.min(platform.sinceMs, now) }));
    this.#parts.memory.putMissing(scope, image, { ...missing, platforms });
  }

  async #loadFacts(wanted: readonly string[], sharing: ClusterSharing): Promise<void> {
    const { memory, keys, clock } = this.#parts;
    const missing = wanted.filter((key) => memory.facts(key, clock.now()) === undefined);
    if (missing.length === 0) return;
    const values = await this.#read(missing.map((key) => keys.cacheKey('facts', key, sharing)));
    for (const [at, key] of missing.entries()) {
      const content = this.#decode(values[at], decodeFacts);
      if (content !== undefined) memory.putFacts(key, { content, source: 'redis' });
    }
  }

  async #remainingMs(keys: readonly (string | undefined)[]): Promise<readonly (number | undefined)[]> {
    const known = keys.filter((key) => key !== undefined);
    return known.length === keys.length ? this.#parts.store.remainingMs(known) : [];
  }

  async #read(keys: readonly (string | undefined)[]): Promise<readonly StoredValue[]> {
    const known = keys.filter((key) => key !== undefined);
    const values = known.length === 0 ? [] : await this.#parts.store.get(known);
    const found = new Map(known.map((key, at) => [key, values[at]]));
    return keys.map((key) => (key === undefined ? undefined : { key, bytes: found.get(key) }));
  }

  /** Decrypts and decodes a value, and counts the outcome. */
  #decode<T>(value: StoredValue, decode: (text: string) => T | undefined): T | undefined {
    const { cipher, metrics } = this.#parts;
    if (value?.bytes === undefined) {
      metrics.cache({ level: 'redis', outcome: 'miss' });
      return undefined;
    }
    const payload = cipher.decrypt(value.key, value.bytes);
    const decoded = payload === undefined ? undefined : decode(payload);
    if (decoded === undefined) metrics.discarded({ what: 'redis-value' });
    metrics.cache({ level: 'redis', outcome: decoded === undefined ? 'miss' : 'hit' });
    return decoded;
  }
}

/** Returns an unambiguous key: neither part contains a space. */
function factsKey(host: string, digest: string): string {
  return `${host} ${digest}`;
}
