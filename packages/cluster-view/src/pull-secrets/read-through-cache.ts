import { SingleFlight, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError, resourcePath } from '@archpolicy/kube';
import type { Api, ApiResponse, Resource } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { FairLruCache } from './fair-lru-cache.ts';
import type { ReadLimits, ReadPriority } from './read-limits.ts';

/** The result of reading one object by name. */
export type ReadResult<T> =
  | { readonly kind: 'found'; readonly value: T }
  /** The object does not exist, RBAC forbids reading it, or its content is not usable. */
  | { readonly kind: 'absent'; readonly reason: 'not-found' | 'forbidden' | 'unusable' }
  /** The API server could not be read. */
  | { readonly kind: 'unavailable' };

/** The outcome of a read. The outcomes are a closed set, so that they can be values of a metric label. */
export type ReadOutcome = 'found' | 'not-found' | 'forbidden' | 'unusable' | 'unavailable';

/** The parsed content of an object and its size. */
export interface ParsedObject<T> {
  readonly value: T;
  readonly bytes: number;
}

export interface ReadThroughCacheOptions<T> {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly resource: Resource;
  readonly limits: ReadLimits;
  /** Returns undefined for an unusable object. */
  readonly parse: (raw: JsonObject) => ParsedObject<T> | undefined;
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/** A change takes effect within this time (docs/design.md, section 2). */
const TTL_MS = 60_000;
/**
 * The age at which the next use of a cached object starts a refresh in the background, so that callers never wait for
 * an object that is in use.
 */
const REFRESH_AFTER_MS = 30_000;
/**
 * How long an absent object is cached. The time is short for `not-found`, because a Secret is often created right after
 * its pod. It is longer for `forbidden`, because a missing permission needs a manual change.
 */
const NEGATIVE_TTL_MS = { 'not-found': 5_000, forbidden: 30_000, unusable: 30_000 } as const;
/** Minimum time between reads that fail. */
const RETRY_MS = 1_000;
/** How long the last object is used while reads fail. */
const STALE_IF_ERROR_MS = 10 * 60_000;
/** Timeout of a read. It is far longer than a healthy API server takes. Callers may stop waiting earlier. */
const READ_TIMEOUT_MS = 5_000;
/** The limits of the cache, which namespaces share. They are enough for a large cluster with a few kilobytes per Secret. */
const LIMITS = { maxEntries: 10_000, maxBytes: 32 * 1024 * 1024 };
/** Maximum size of a response: the largest usable content in base64, with the largest metadata of an object. */
const MAX_BODY_BYTES = 1024 * 1024;
/** The object that is read. */
interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

interface Entry<T> {
  readonly result: ReadResult<T>;
  /** uid and resourceVersion of the object; empty if none was found. */
  readonly version: string;
  readonly bytes: number;
  /** In monotonic milliseconds, like the next two fields. */
  readonly readAtMs: number;
  readonly refreshAtMs: number;
  readonly validUntilMs: number;
  readonly lastReadFailed: boolean;
}

/**
 * A read-through cache of objects of one resource. Each object is fetched by name on first use, cached for a minute, and
 * refreshed in the background while in use, with a single flight per object. The caller must check which names are allowed.
 */
export class ReadThroughCache<T> {
  readonly #options: ReadThroughCacheOptions<T>;
  readonly #entries = new FairLruCache<Entry<T>>(LIMITS);
  /** The reads in progress. */
  readonly #reads = new SingleFlight<ReadResult<T>>();
  /**
   * The reads in progress or waiting for a slot. They are kept by priority: an urgent read must not wait for the slot of a background read of
   * the same object.
   */
  readonly #requested = { urgent: new SingleFlight<ReadResult<T>>(), background: new SingleFlight<ReadResult<T>>() };

  constructor(options: ReadThroughCacheOptions<T>) {
    this.#options = options;
  }

  /** Returns the cached result without waiting; undefined if it must be read first. */
  peek(namespace: string, name: string): ReadResult<T> | undefined {
    const entry = this.#entries.get(namespace, name);
    const now = this.#options.clock.monotonic();
    if (entry === undefined || entry.validUntilMs <= now) return undefined;
    if (entry.refreshAtMs <= now) void this.#startOrJoinRead(namespace, name, 'background');
    return entry.result;
  }

  /**
   * Returns the cached result, or else reads the object. If the signal is aborted before the end of the read, returns a
   * stale object, or `unavailable` if there is none. Never rejects.
   */
  async read(
    namespace: string,
    name: string,
    { signal, priority }: { readonly signal: AbortSignal; readonly priority: ReadPriority },
  ): Promise<ReadResult<T>> {
    const peek = this.peek(namespace, name);
    if (peek !== undefined) return peek;
    const waited = await waitUnlessAborted(this.#startOrJoinRead(namespace, name, priority), signal);
    if (waited.kind === 'done') return waited.value;
    return this.#lastFound({ namespace, name })?.result ?? { kind: 'unavailable' };
  }

  #startOrJoinRead(namespace: string, name: string, priority: ReadPriority): Promise<ReadResult<T>> {
    const key = `${namespace}/${name}`;
    const { limits, resource } = this.#options;
    return (
      this.#reads.get(key) ??
      this.#requested[priority].do(key, async () => {
        const item = `${resource.resource}/${name}`;
        const read = limits.run(priority, namespace, item, () => this.#readUnlessFresh(namespace, name));
        return read ?? { kind: 'unavailable' };
      })
    );
  }

  /** Reads the object, unless another read has ended while this one waited for its slot. */
  async #readUnlessFresh(namespace: string, name: string): Promise<ReadResult<T>> {
    const entry = this.#entries.get(namespace, name);
    if (entry !== undefined && entry.refreshAtMs > this.#options.clock.monotonic()) return entry.result;
    return this.#reads.do(`${namespace}/${name}`, () => this.#read(namespace, name));
  }

  async #read(namespace: string, name: string): Promise<ReadResult<T>> {
    const object = { namespace, name };
    const entry = await this.#fetch(namespace, name)
      .then((answer) => this.#toEntry(object, answer))
      .catch((error: unknown) => this.#failed(object, error));
    this.#options.onRead?.(toOutcome(entry));
    this.#warn(entry, this.#entries.get(namespace, name), object);
    this.#entries.set(namespace, name, entry);
    return entry.result;
  }

  #fetch(namespace: string, name: string): Promise<ApiResponse> {
    const { api, resource } = this.#options;
    return api.request({
      method: 'GET',
      path: resourcePath(resource, { namespace, name }),
      // Only the timeout, or the end of the client, ends the read early. The signal of one caller must not end the
      // read, because several callers may wait for it.
      signal: new AbortController().signal,
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: MAX_BODY_BYTES,
    });
  }

  #toEntry(object: ObjectName, answer: ApiResponse): Entry<T> {
    if (answer.kind === 'ok' && isJsonObject(answer.body)) return this.#found(object, answer.body);
    if (answer.kind === 'refused' && answer.status === 404) return this.#absent('not-found');
    if (answer.kind === 'refused' && answer.status === 403) return this.#absent('forbidden');
    return this.#unavailable(object);
  }

  #found(object: ObjectName, raw: JsonObject): Entry<T> {
    const now = this.#options.clock.monotonic();
    const version = getVersion(raw);
    const kept = this.#entries.get(object.namespace, object.name);
    const times = {
      readAtMs: now,
      refreshAtMs: now + REFRESH_AFTER_MS,
      validUntilMs: now + TTL_MS,
      lastReadFailed: false,
    };
    // Keep the same value object for an unchanged version, because callers cache by the identity of the object.
    if (kept?.result.kind === 'found' && kept.version === version) return { ...kept, ...times };
    const parsed = this.#options.parse(raw);
    if (parsed === undefined) return this.#absent('unusable');
    return { result: { kind: 'found', value: parsed.value }, version, bytes: parsed.bytes, ...times };
  }

  #absent(reason: Extract<ReadResult<T>, { readonly kind: 'absent' }>['reason']): Entry<T> {
    const now = this.#options.clock.monotonic();
    const validUntilMs = now + NEGATIVE_TTL_MS[reason];
    const result: ReadResult<T> = { kind: 'absent', reason };
    return {
      result,
      version: '',
      bytes: 0,
      readAtMs: now,
      refreshAtMs: validUntilMs,
      validUntilMs,
      lastReadFailed: false,
    };
  }

  #failed(object: ObjectName, error: unknown): Entry<T> {
    return error instanceof KubeError && error.code === 'TooLarge'
      ? this.#absent('unusable')
      : this.#unavailable(object);
  }

  /** Keeps the last found object for a limited time. */
  #unavailable(object: ObjectName): Entry<T> {
    const now = this.#options.clock.monotonic();
    const last = this.#lastFound(object);
    const refreshAtMs = now + RETRY_MS;
    if (last !== undefined)
      return { ...last, refreshAtMs, validUntilMs: last.readAtMs + STALE_IF_ERROR_MS, lastReadFailed: true };
    const result: ReadResult<T> = { kind: 'unavailable' };
    return {
      result,
      version: '',
      bytes: 0,
      readAtMs: now,
      refreshAtMs,
      validUntilMs: refreshAtMs,
      lastReadFailed: true,
    };
  }

  #lastFound(object: ObjectName): Entry<T> | undefined {
    const kept = this.#entries.get(object.namespace, object.name);
    const isGood = kept?.result.kind === 'found' && this.#options.clock.monotonic() - kept.readAtMs < STALE_IF_ERROR_MS;
    return isGood ? kept : undefined;
  }

  /** Logs once per outage, without the response or the error: either may quote a Secret. */
  #warn(next: Entry<T>, before: Entry<T> | undefined, object: ObjectName): void {
    if (!next.lastReadFailed || before?.lastReadFailed === true) return;
    const { resource } = this.#options.resource;
    const kept = next.result.kind === 'found';
    const message = kept ? 'failed to read object, using the last known value' : 'failed to read object';
    this.#options.logger.warn({ ...object, resource, kept }, message);
  }
}

function toOutcome({ result, lastReadFailed }: Entry<unknown>): ReadOutcome {
  if (lastReadFailed || result.kind === 'unavailable') return 'unavailable';
  return result.kind === 'found' ? 'found' : result.reason;
}

function getVersion(raw: JsonObject): string {
  const metadata = objectAt(raw, 'metadata');
  return `${textAt(metadata, 'uid') ?? ''} ${textAt(metadata, 'resourceVersion') ?? ''}`;
}
