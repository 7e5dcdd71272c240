import { PeriodicYield, waitUnlessAborted } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import { isJsonObject } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { Logger } from 'pino';
import { abortedError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import type { StatusError } from '../http/response.ts';
import type { Query } from '../http/paths.ts';
import { Backoff, REFLECTOR_BACKOFF } from './backoff.ts';
import { isExpired, parseErrorEvent, toFailure } from './failure.ts';
import type { Failure } from './failure.ts';
import { getObjectKey, parsePage, parseWatchEvent, getResourceVersion } from './objects.ts';
import type { WatchEvent } from './objects.ts';
import { Listing } from './listing.ts';
import type { ReflectorObserver } from './observer.ts';
import type { Store } from './store.ts';

/** Number of consecutive watches that broke or were rejected, after which the reflector relists. */
const MAX_BROKEN_WATCHES = 3;
/**
 * Minimum time between the starts of two watches. Without it, a server or proxy that ends each watch after its first
 * event would receive thousands of requests per second.
 */
const MIN_WATCH_PERIOD_MS = 1_000;

/**
 * Number of LISTs with the status 404 since the last success after which a collection counts as empty. One such response
 * may come from a proxy in front of the API server, or from an API server that has just started.
 */
const MIN_ABSENCES = 3;

/** Number of objects per page of a LIST, as in client-go. */
const PAGE_SIZE = 500;
/** Timeout of one page of a LIST: enough for large objects from an API server under load. */
const LIST_TIMEOUT_MS = 60_000;
/** Range of the random time after which the server ends a watch, so that watches do not restart together. */
const MIN_WATCH_SECONDS = 300;
const MAX_WATCH_SECONDS = 600;
/** How long a watch may receive nothing. Bookmarks arrive about every minute, so a connection that missed three is considered broken. */
const WATCH_IDLE_MS = 200_000;
/**
 * A watch that ends within this time without an event counts as a failure, because a proxy or an overloaded server may
 * have ended it.
 */
const SHORT_WATCH_MS = 1_000;
/**
 * After this time a watch that delivers an event shows that the API server works again: the next failure is a new one. The
 * back-off alone forgets failures only after two minutes, so that a second restart would be noticed up to a minute late.
 */
const STABLE_WATCH_MS = 10_000;
/**
 * Number of stored objects that are compared with a list between two yields to the event loop. Comparing so many takes
 * about 1 ms.
 */
const COMPARISONS_PER_YIELD = 5_000;

export interface ReflectorOptions<T> {
  readonly api: Api;
  /** The URL path of the collection, as `resourcePath` returns it. */
  readonly path: string;
  /** Query parameters of the LIST and the watch, such as `labelSelector` and `fieldSelector`. */
  readonly query?: Query;
  /** Converts a raw object to the stored form. If it returns undefined or throws, the object is not stored. */
  readonly parse: (raw: JsonObject) => T | undefined;
  readonly store: Store<T>;
  /**
   * Whether a collection that the API server does not serve (404) has no objects. True for custom resources, whose definition may
   * not be installed yet or may have been deleted.
   */
  readonly absentIsEmpty?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
  readonly observer?: ReflectorObserver;
}

/**
 * Mirrors a collection of the API server into a store. It sends a paged LIST, then a WATCH from the LIST's resource version. After an
 * error it retries with back-off. A failure never empties the store, because stale objects are better than an empty store. The only
 * exception is a collection that does not exist, with `absentIsEmpty`.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  /**
   * The back-off of expired versions. It is separate, because the API server responded: after an outage, whose length
   * determines the delays of the other failures, each watch can expire, and the store should not be stale for longer.
   */
  readonly #expiryBackoff: Backoff;
  /** Number of consecutive broken watches. */
  #brokenWatches = 0;
  readonly #firstList = Promise.withResolvers<undefined>();
  #synced = false;
  /** The resource version from which the next watch starts; undefined if a LIST is needed first. */
  #version: string | undefined;
  /** The LIST whose next page failed. The next attempt continues with this page. */
  #listing: Listing | undefined;
  /** Number of LISTs with the status 404 since the last success. */
  #absences = 0;
  #watchStartedAtMs = Number.NEGATIVE_INFINITY;
  #updatedAtMs: number | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(REFLECTOR_BACKOFF, options.clock, options.random);
    this.#expiryBackoff = new Backoff(REFLECTOR_BACKOFF, options.clock, options.random);
  }

  /** Whether a LIST has completed at least once. */
  get hasSynced(): boolean {
    return this.#synced;
  }

  /**
   * The time (monotonic milliseconds) of the last completed LIST, event or bookmark; undefined before the first LIST.
   * The store shows the cluster as it was at that time or later.
   */
  get updatedAtMs(): number | undefined {
    return this.#updatedAtMs;
  }

  /** Waits until `hasSynced` is true. Throws KubeError `Aborted` if the signal is aborted first. */
  async synced(signal: AbortSignal): Promise<void> {
    if (this.#synced) return;
    const { kind } = await waitUnlessAborted(this.#firstList.promise, signal);
    if (kind === 'aborted') throw abortedError(signal);
  }

  /** Runs until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      const outcome = await this.#step(signal);
      if (outcome === 'done') this.#brokenWatches = 0;
      if (outcome === 'done' || stopped()) continue;
      if (this.#needsList(outcome)) this.#version = undefined;
      if (this.#listing?.canResume(outcome.status) !== true) this.#listing = undefined;
      const backoff = isExpired(outcome) ? this.#expiryBackoff : this.#backoff;
      const delayMs = Math.max(backoff.next(), outcome.retryAfterMs ?? 0);
      this.#options.observer?.failed?.(outcome.failure, delayMs, outcome.error);
      this.#options.logger.warn(
        { path: this.#options.path, failure: outcome.failure, delayMs, err: outcome.error },
        'reflector failed, retrying',
      );
      await this.#options.clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  /**
   * Returns whether a failure needs a relist. A LIST is expensive, so a watch that broke or was rejected first resumes
   * from its resource version: an API server that restarts rejects requests until it has read its RBAC objects. After
   * several consecutive failures a relist is needed, because the server may not have that version, for instance after a
   * restore from a backup.
   */
  #needsList(outcome: Failure): boolean {
    const { failure, status } = outcome;
    if (isExpired(outcome) || this.#isAbsence(status)) return true;
    if (failure !== 'watch-failed' && failure !== 'watch-too-short') return false;
    this.#brokenWatches += 1;
    const needsList = this.#brokenWatches >= MAX_BROKEN_WATCHES;
    if (needsList) this.#brokenWatches = 0;
    return needsList;
  }

  async #step(signal: AbortSignal): Promise<'done' | Failure> {
    const phase = this.#version === undefined ? 'list' : 'watch';
    try {
      return phase === 'list' ? await this.#list(signal) : await this.#watch(this.#version ?? '', signal);
    } catch (error) {
      return { failure: `${phase}-failed`, error };
    }
  }

  async #list(signal: AbortSignal): Promise<'done' | Failure> {
    const { api, path, query } = this.#options;
    this.#listing ??= this.#startList();
    const listing = this.#listing;
    const { seen } = listing;
    for (;;) {
      const answer = await api.list({
        path,
        query: { ...query, limit: PAGE_SIZE, continue: listing.token },
        signal,
        timeoutMs: LIST_TIMEOUT_MS,
        onItem: (item) => {
          const key = isJsonObject(item) ? getObjectKey(item) : undefined;
          if (key !== undefined && isJsonObject(item) && this.#put(key, item)) seen?.add(key);
        },
      });
      if (answer.kind === 'refused') return this.#listRefused(answer);
      const page = parsePage(answer.body);
      if (page.continueToken === undefined) {
        if (seen !== undefined) await this.#deleteUnseen(seen);
        this.#absences = 0;
        this.#finishList(page.resourceVersion);
        return 'done';
      }
      listing.advance(page.continueToken);
    }
  }

  /** Empties the store if the collection does not exist. */
  async #listRefused(refusal: StatusError): Promise<Failure> {
    const failure = toFailure('list', refusal);
    if (!this.#isAbsence(refusal.status)) return failure;
    this.#absences += 1;
    if (this.#absences < MIN_ABSENCES) return failure;
    await this.#deleteUnseen(new Set());
    this.#finishList(undefined);
    return { ...failure, failure: 'list-absent' };
  }

  #isAbsence(status: number | undefined): boolean {
    return this.#options.absentIsEmpty === true && status === 404;
  }

  #startList(): Listing {
    const { store, observer } = this.#options;
    observer?.listStarted?.();
    return new Listing(store.size === 0);
  }

  /** Deletes the stored objects that are not in the list, because the watch missed their deletion. */
  async #deleteUnseen(seen: ReadonlySet<string>): Promise<void> {
    const { store } = this.#options;
    const yields = new PeriodicYield(COMPARISONS_PER_YIELD);
    for (const [key] of store.entries()) {
      if (!seen.has(key)) store.delete(key);
      const due = yields.count();
      if (due !== undefined) await due;
    }
  }

  /** @param version the resource version from which a watch can start; undefined if the collection does not exist */
  #finishList(version: string | undefined): void {
    this.#version = version;
    this.#updatedAtMs = this.#options.clock.monotonic();
    this.#listing = undefined;
    this.#synced = true;
    this.#options.observer?.listFinished?.(this.#options.store.size);
    this.#firstList.resolve(undefined);
  }

  async #watch(version: string, signal: AbortSignal): Promise<'done' | Failure> {
    const { api, path, query, clock, random, observer } = this.#options;
    const seconds = MIN_WATCH_SECONDS + Math.floor(random() * (MAX_WATCH_SECONDS - MIN_WATCH_SECONDS + 1));
    const waitMs = this.#watchStartedAtMs + MIN_WATCH_PERIOD_MS - clock.monotonic();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    const startedAt = clock.monotonic();
    this.#watchStartedAtMs = startedAt;
    const answer = await api.watch({
      path,
      query: { ...query, watch: true, allowWatchBookmarks: true, resourceVersion: version, timeoutSeconds: seconds },
      signal,
      idleTimeoutMs: WATCH_IDLE_MS,
    });
    if (answer.kind === 'refused') return toFailure('watch', answer);
    observer?.watchStarted?.();
    let events = 0;
    for await (const line of answer.events) {
      const event = parseWatchEvent(line);
      events += 1;
      observer?.watchEvent?.(event.type);
      if (event.type === 'ERROR') return parseErrorEvent(event.object);
      this.#apply(event);
      this.#brokenWatches = 0; // an event arrived, so the version is valid
      if (clock.monotonic() - startedAt >= STABLE_WATCH_MS) this.#backoff.reset();
    }
    const short = events === 0 && clock.monotonic() - startedAt < SHORT_WATCH_MS;
    return short ? { failure: 'watch-too-short' } : 'done';
  }

  #apply(event: WatchEvent): void {
    const key = getObjectKey(event.object);
    if (event.type === 'DELETED') {
      if (key !== undefined) this.#options.store.delete(key);
    } else if (event.type !== 'BOOKMARK' && key !== undefined) {
      this.#put(key, event.object);
    }
    this.#version = getResourceVersion(event.object) ?? this.#version;
    this.#updatedAtMs = this.#options.clock.monotonic();
  }

  /** Parses and stores an object. Returns whether it was stored. */
  #put(key: string, raw: JsonObject): boolean {
    const { store, parse, observer } = this.#options;
    let object: T | undefined;
    try {
      object = parse(raw);
    } catch (error) {
      observer?.unreadable?.(key, error);
    }
    if (object === undefined) store.delete(key);
    else store.set(key, object);
    return object !== undefined;
  }
}
