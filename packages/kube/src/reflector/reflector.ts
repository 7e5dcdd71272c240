import { PeriodicYield, waitUnlessAborted } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import { isJsonObject, withoutUndefined } from '@archpolicy/core';
import type { Logger } from 'pino';
import { abortedError, KubeError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import { parseStatusError } from '../http/response.ts';
import type { StatusError } from '../http/response.ts';
import type { Query } from '../http/paths.ts';
import { Backoff, REFLECTOR_BACKOFF } from './backoff.ts';
import { getObjectKey, parsePage, parseWatchEvent, getResourceVersion } from './objects.ts';
import type { WatchEvent } from './objects.ts';
import type { ReflectorFailure, ReflectorObserver } from './observer.ts';
import type { Store } from './store.ts';

/** Consecutive broken watches before a relist. */
const MAX_BROKEN_WATCHES = 3;

/** client-go's page size. */
const PAGE_SIZE = 500;
/** Allows for a page of large objects from a loaded API server. */
const LIST_TIMEOUT_MS = 60_000;
/** The server ends a watch after a random time in this range, so that watches do not restart together. */
const MIN_WATCH_SECONDS = 300;
const MAX_WATCH_SECONDS = 600;
/** Bookmarks arrive about every minute: after three missing ones the connection is considered dead. */
const WATCH_IDLE_MS = 200_000;
/** A watch that ends within this time without an event counts as a failure (a proxy, an overloaded server). */
const SHORT_WATCH_MS = 1_000;
/** Comparisons of stored objects with a list between two yields to the event loop: about 1 ms. */
const COMPARISONS_PER_YIELD = 5_000;

export interface ReflectorOptions<T> {
  readonly api: Api;
  /** The collection, see `resourcePath`. */
  readonly path: string;
  /** `labelSelector`, `fieldSelector`. */
  readonly query?: Query;
  /** Converts a raw object to the stored one; undefined: not stored. If it throws, the object is treated as absent. */
  readonly parse: (raw: JsonObject) => T | undefined;
  readonly store: Store<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
  readonly observer?: ReflectorObserver;
}

/**
 * Mirrors a collection of the API server into a store: a paged LIST, then a WATCH from its resource version, with back-off
 * after an error. A failure never empties the store: stale objects are better than none.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  /** Consecutive broken watches. */
  #brokenWatches = 0;
  readonly #firstList = Promise.withResolvers<undefined>();
  #synced = false;
  /** The resource version to watch from; undefined if a LIST is needed first. */
  #version: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(REFLECTOR_BACKOFF, options.clock, options.random);
  }

  /** Whether a LIST has completed at least once. */
  get hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves once `hasSynced`. Throws KubeError `Aborted` if the signal is aborted first. */
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
      const delayMs = Math.max(this.#backoff.next(), outcome.retryAfterMs ?? 0);
      this.#options.observer?.failed?.(outcome.failure, delayMs, outcome.error);
      this.#options.logger.warn(
        { path: this.#options.path, failure: outcome.failure, delayMs, err: outcome.error },
        'reflector failed, retrying',
      );
      await this.#options.clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  /**
   * Returns whether a failure needs a relist. A broken watch resumes from its version. A rejected or repeatedly broken one
   * may never deliver the missed changes (a server restored from a backup does not have the version).
   */
  #needsList({ failure, refused }: Failure): boolean {
    if (failure.endsWith('-expired')) return true;
    if (failure !== 'watch-failed' && failure !== 'watch-too-short') return false;
    this.#brokenWatches += 1;
    const needsList = refused === true || this.#brokenWatches >= MAX_BROKEN_WATCHES;
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
    const { api, path, query, store, observer } = this.#options;
    observer?.listStarted?.();
    // An empty store has nothing to delete after the list.
    const seen = store.size === 0 ? undefined : new Set<string>();
    let token: string | undefined;
    for (;;) {
      const answer = await api.list({
        path,
        query: { ...query, limit: PAGE_SIZE, continue: token },
        signal,
        timeoutMs: LIST_TIMEOUT_MS,
        onItem: (item) => {
          const key = isJsonObject(item) ? getObjectKey(item) : undefined;
          if (key !== undefined && isJsonObject(item) && this.#put(key, item)) seen?.add(key);
        },
      });
      if (answer.kind === 'refused') return toFailure('list', answer);
      const page = parsePage(answer.body);
      token = page.continueToken;
      if (token === undefined) {
        if (seen !== undefined) await this.#deleteUnseen(seen);
        this.#finishList(page.resourceVersion);
        return 'done';
      }
    }
  }

  /** Deletes objects that are not in the list: their deletion was missed. */
  async #deleteUnseen(seen: ReadonlySet<string>): Promise<void> {
    const { store } = this.#options;
    const yields = new PeriodicYield(COMPARISONS_PER_YIELD);
    for (const [key] of store.entries()) {
      if (!seen.has(key)) store.delete(key);
      const due = yields.count();
      if (due !== undefined) await due;
    }
  }

  #finishList(version: string): void {
    this.#version = version;
    this.#synced = true;
    this.#options.observer?.listFinished?.(this.#options.store.size);
    this.#firstList.resolve(undefined);
  }

  async #watch(version: string, signal: AbortSignal): Promise<'done' | Failure> {
    const { api, path, query, clock, random, observer } = this.#options;
    const seconds = MIN_WATCH_SECONDS + Math.floor(random() * (MAX_WATCH_SECONDS - MIN_WATCH_SECONDS + 1));
    const startedAt = clock.monotonic();
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

interface Failure {
  readonly failure: ReflectorFailure;
  readonly error?: unknown;
  readonly retryAfterMs?: number;
  /** The API server responded with an error status. */
  readonly refused?: boolean;
}

/** 410 Gone: the version or the continue token has expired. Only a relist helps. */
function toFailure(phase: 'list' | 'watch', refusal: StatusError): Failure {
  const error = new KubeError('Refused', `the API server returned an error: ${refusal.status} ${refusal.reason}`, {
    status: refusal.status,
  });
  const kind = refusal.status === 410 ? 'expired' : refusal.status === 429 ? 'throttled' : 'failed';
  return withoutUndefined({ failure: `${phase}-${kind}`, error, refused: true, retryAfterMs: refusal.retryAfterMs });
}

/** Parses an ERROR event: a Status object inside a watch that started with 200. */
function parseErrorEvent(status: JsonObject): Failure {
  const code = typeof status['code'] === 'number' ? status['code'] : 0;
  const expired = code === 410 || status['reason'] === 'Expired' || status['reason'] === 'Gone';
  return toFailure('watch', parseStatusError(expired ? 410 : code, undefined, status));
}
