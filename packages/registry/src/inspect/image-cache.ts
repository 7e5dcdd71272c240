import type { Clock } from '@archpolicy/async';
import type { MissingPlatform } from '@archpolicy/core';
import { ANONYMOUS_SCOPE } from '../auth/auth-attempt.ts';
import type { EndpointCredential } from '../auth/auth-attempt.ts';
import type { FactCache, ScopedImage } from '../cache/fact-cache.ts';
import type { FetchLock } from '../cache/fetch-lock.ts';
import type { CachedTag } from '../cache/memory-cache.ts';
import { buildNegativeEntry } from '../cache/negative-cache.ts';
import { HARD_TTL_MS, SOFT_TTL_MS } from '../cache/tag-times.ts';
import type { Registries } from '../config/registries.ts';
import { isRejection } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import type { ParsedImage } from '../image/image-key.ts';
import type { Content } from './content-reader.ts';
import type { FetchRequest } from './fetcher.ts';
import { isFresh, nextStep, staleIfError } from './freshness.ts';
import type { Answer, CacheEntry, Step } from './freshness.ts';

/** How long facts are cached if a part of the image could not be read. */
const INCOMPLETE_TTL_MS = 30_000;
/** Entries under this scope record that the registry returned a tag to at least one scope. */
const ANY_SCOPE = '*';

/** Selects the cache entries that an attempt may use, and the scopes under which its results are stored (K2). */
export class ImageCache {
  readonly #facts: FactCache;
  readonly #clock: Clock;

  constructor(facts: FactCache, clock: Clock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /** Returns a fresh answer for one of the scopes. On the hot path, this makes fewer look-ups than `nextStep`. */
  findFresh(image: ParsedImage, scopes: readonly string[], softTtlMs: number): Answer | undefined {
    const now = this.#clock.now();
    if (this.#facts.isOutdated(image, now - SOFT_TTL_MS.otherwise)) return undefined;
    for (const scope of scopes) {
      const tag = this.#facts.tag(scope, image.key);
      if (tag === undefined || !isFresh(tag, softTtlMs, now)) continue;
      const facts = this.#facts.facts(image.host, tag.digest, now);
      if (facts !== undefined) return { kind: 'answer', tag, facts };
    }
    return undefined;
  }

  /** Returns a stale answer for one of the scopes, for use when the registry does not answer. */
  findStale(image: ParsedImage, scopes: readonly string[]): Answer | undefined {
    const now = this.#clock.now();
    return scopes
      .map((scope) => staleIfError(this.#entry(image, scope, scope, now), now))
      .find((answer) => answer !== undefined);
  }

  /**
   * Returns the platforms that an index lists but the registry no longer has (I9), if a check with one of the scopes
   * found any. Otherwise returns undefined.
   */
  missingPlatforms(
    { key }: ParsedImage,
    scopes: readonly string[],
    digest: string,
  ): readonly MissingPlatform[] | undefined {
    const sinceMs = this.#clock.now() - HARD_TTL_MS;
    for (const scope of scopes) {
      const missing = this.#facts.missingPlatforms(scope, key);
      if (missing?.digest !== digest) continue;
      const platforms = missing.platforms.filter((platform) => platform.sinceMs > sinceMs);
      if (platforms.length > 0) return platforms;
    }
    return undefined;
  }

  /** @param scope the scope of the attempt, or the anonymous one if the registry required no credential */
  storeMissing(name: ScopedImage, digest: string, platform: Omit<MissingPlatform, 'sinceMs'>): void {
    const before = this.#facts.missingPlatforms(name.scope, name.image);
    const otherPlatforms = (before?.digest === digest ? before.platforms : []).filter(
      ({ os, architecture }) => os !== platform.os || architecture !== platform.architecture,
    );
    const platforms = [...otherPlatforms, { ...platform, sinceMs: this.#clock.now() }];
    this.#facts.putMissing(name, { digest, platforms }, HARD_TTL_MS);
  }

  /** Whether the registry has returned the tag to the scope of the attempt within a day. */
  hasTag({ image, context }: FetchRequest): boolean {
    const tag = this.#facts.tag(context.attempt.scope, image.key);
    return tag !== undefined && isFresh(tag, HARD_TTL_MS, this.#clock.now());
  }

  nextStep({ image, softTtlMs, context: { attempt } }: FetchRequest): Step {
    const now = this.#clock.now();
    return nextStep(this.#entry(image, attempt.scope, cacheScope(attempt), now), image.tagOrDigest, softTtlMs, now);
  }

  /** Loads the entries that other replicas have stored for these attempts. */
  load(image: ParsedImage, attempts: readonly EndpointCredential[], registries: Registries): Promise<void> {
    const scopes = new Set([...attempts.map(({ scope }) => scope), ANONYMOUS_SCOPE, ANY_SCOPE]);
    const sharing = registries.sharingOf(image.host);
    return this.#facts.load(image, { tagScopes: [...scopes], failureScopes: attempts.map(cacheScope), sharing });
  }

  lock({ image, context }: FetchRequest): Promise<FetchLock> {
    return this.#facts.lock(image.key, context.registries.sharingOf(image.host));
  }

  hasCompleteFacts({ host }: ParsedImage, digest: string): boolean {
    const facts = this.#facts.facts(host, digest, this.#clock.now());
    return facts !== undefined && facts.untilMs === undefined;
  }

  storeFacts({ image: { host }, context }: FetchRequest, digest: string, { facts: content, complete }: Content): void {
    const until = complete ? {} : { untilMs: this.#clock.now() + INCOMPLETE_TTL_MS };
    const sharing = context.registries.sharingOf(host);
    this.#facts.putFacts({ host, digest, sharing }, { content, source: 'registry', ...until });
  }

  /** @param scope the scope of the attempt, or the anonymous one if the registry required no credential */
  storeTag(request: FetchRequest, scope: string, digest: string): void {
    const { image, context } = request;
    this.#facts.deleteNegativeEntry(cacheScope(context.attempt), image.key);
    const tag = { digest, confirmedAtMs: this.#clock.now() };
    this.#facts.putTag(toScopedImage(request, scope), tag, HARD_TTL_MS);
    this.#facts.putTag(toScopedImage(request, ANY_SCOPE), tag, HARD_TTL_MS);
  }

  /** Stores a failure, and returns it with its time to retry. */
  storeFailure(request: FetchRequest, failure: FetchFailure): FetchFailure {
    const { image, context } = request;
    const { attempt } = context;
    // A deadline of this process is no failure of the registry, whose response may still be in flight.
    if (failure.reason === 'Deadline') return failure;
    if (isRejection(failure) && failure.isRequestRejected !== true && !attempt.endpoint.mirror)
      this.#facts.deleteTag(toScopedImage(request, attempt.scope));
    const scope = cacheScope(attempt);
    const entry = buildNegativeEntry(failure, this.#facts.lastNegativeEntry(scope, image.key), this.#clock.now());
    this.#facts.putNegativeEntry(toScopedImage(request, scope), entry);
    return entry.failure;
  }

  #entry({ key, host, reference }: ParsedImage, scope: string, failureScope: string, nowMs: number): CacheEntry {
    const tag = latestTag(this.#facts.tag(scope, key), this.#facts.tag(ANONYMOUS_SCOPE, key));
    const { digest } = reference;
    return {
      tag,
      facts: tag === undefined ? undefined : this.#facts.facts(host, tag.digest, nowMs),
      failure: this.#facts.negativeEntry(failureScope, key, nowMs),
      isCachedForOtherScope:
        digest === undefined
          ? this.#facts.tag(ANY_SCOPE, key) !== undefined
          : this.#facts.facts(host, digest, nowMs) !== undefined,
    };
  }
}

function toScopedImage({ image, context }: FetchRequest, scope: string): ScopedImage {
  return { scope, image: image.key, sharing: context.registries.sharingOf(image.host) };
}

/** Returns the tag that was confirmed later: the scope's own tag or the public tag, which each scope may use. */
function latestTag(own: CachedTag | undefined, anonymous: CachedTag | undefined): CachedTag | undefined {
  if (own === undefined || anonymous === undefined) return own ?? anonymous;
  return own.confirmedAtMs >= anonymous.confirmedAtMs ? own : anonymous;
}

/**
 * Returns the scope of a failure. It contains the host, because the registry may have an image that its mirror lacks.
 */
function cacheScope({ scope, endpoint }: EndpointCredential): string {
  return `${scope} ${endpoint.host}`;
}
