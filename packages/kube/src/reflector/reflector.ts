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

/** Watches that break one after the other before everything is listed again. */
const MAX_BROKEN_WATCHES = 3;

/** client-go's page. */
const PAGE_SIZE = 500;
/** A page of large objects from a loaded API server takes its time. */
const LIST_TIMEOUT_MS = 60_000;
/** The server ends a watch after a random time in this range, so that watches do not come back all at once. */
const MIN_WATCH_SECONDS = 300;
const MAX_WATCH_SECONDS = 600;
/** Bookmarks come about every minute: when three are missing, nobody is there any more. */
const WATCH_IDLE_MS = 200_000;
/** A watch that ends within this time without an event is a failure in disguise: a proxy, an overloaded server. */
const SHORT_WATCH_MS = 1_000;
/** Objects of the store that are compared with a list between two yields to the event loop: about a millisecond. */
const COMPARISONS_PER_YIELD = 5_000;

export interface ReflectorOptions<T> {
  readonly api: Api;
  /** The collection, see `resourcePath`. */
  readonly path: string;
  /** `labelSelector`, `fieldSelector`. */
  readonly query?: Query;
  /** Raw object → what is kept of it; undefined: not kept. A throw counts as unreadable, and the object as not there. */
  readonly parse: (raw: JsonObject) => T | undefined;
  readonly store: Store<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
  readonly observer?: ReflectorObserver;
}

/**
 * Keeps a store equal to a collection of the API server: a paged LIST, then a WATCH from its version; after any error
 * again, with back-off, until the signal ends it. The store is never emptied by a failure: stale beats empty.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  /** In a row. */
  #brokenWatches = 0;
  readonly #firstList = Promise.withResolvers<undefined>();
  #synced = false;
  /** The version to watch from; undefined when only a LIST can tell. */
  #version: string | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new Backoff(REFLECTOR_BACKOFF, options.clock, options.random);
  }

  /** Whether a LIST has been taken in whole at least once. */
  get hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves once `hasSynced`; throws KubeError `Aborted` when the signal aborts first. */
  async synced(signal: AbortSignal): Promise<void> {
    if (this.#synced) return;
    const { kind } = await waitUnlessAborted(this.#firstList.promise, signal);
    if (kind === 'aborted') throw abortedError(signal);
  }

  /** Runs until the signal is aborted; then resolves. Never rejects. */
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
        'reflector tries again',
      );
      await this.#options.clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  /**
   * A watch that broke goes on from its version. One that was refused, or that breaks again and again, may never show
   * what has happened (the server was restored from a backup and does not know the version): a list does.
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
    // What an empty store holds after the list, the list has shown.
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

  /** What the list did not show is gone: nobody told us, so we do. */
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
      this.#brokenWatches = 0; // it showed something: what breaks it later is not the version
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

  /** Whether the object is kept. */
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
  /** The API server answered, and it was a refusal. */
  readonly refused?: boolean;
}

/** 410 Gone: the version, or the continue token, is older than what the server remembers. Only a new LIST helps. */
function toFailure(phase: 'list' | 'watch', refusal: StatusError): Failure {
  const error = new KubeError('Refused', `the API server refused: ${refusal.status} ${refusal.reason}`, {
    status: refusal.status,
  });
  const kind = refusal.status === 410 ? 'expired' : refusal.status === 429 ? 'throttled' : 'failed';
  return withoutUndefined({ failure: `${phase}-${kind}`, error, refused: true, retryAfterMs: refusal.retryAfterMs });
}

/** An ERROR event carries a Status object: the refusal of a watch that had begun with 200. */
function parseErrorEvent(status: JsonObject): Failure {
  const code = typeof status['code'] === 'number' ? status['code'] : 0;
  const expired = code === 410 || status['reason'] === 'Expired' || status['reason'] === 'Gone';
  return toFailure('watch', parseStatusError(expired ? 410 : code, undefined, status));
}
