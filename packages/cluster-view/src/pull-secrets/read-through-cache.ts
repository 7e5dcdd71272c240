import { KeyedConcurrencyLimit, SingleFlight, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError, resourcePath } from '@archpolicy/kube';
import type { Api, ApiResponse, Resource } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { LruCache } from './lru-cache.ts';

/** What is known of one object that is read by its name. */
export type ReadResult<T> =
  | { readonly kind: 'found'; readonly value: T }
  /** There is none, we may not read it, or it is not of the kind that is needed. */
  | { readonly kind: 'absent'; readonly reason: 'not-found' | 'forbidden' | 'unusable' }
  /** The API server did not say. */
  | { readonly kind: 'unavailable' };

/** How a read ended: a closed set, fit for a metric label. */
export type ReadOutcome = 'found' | 'not-found' | 'forbidden' | 'unusable' | 'unavailable';

/** What an object holds for us. */
export interface ParsedObject<T> {
  readonly value: T;
  readonly bytes: number;
}

export interface ReadThroughCacheOptions<T> {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly resource: Resource;
  /** Undefined for an object that is of no use. */
  readonly parse: (raw: JsonObject) => ParsedObject<T> | undefined;
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/** A change is seen within this time (docs/design.md, section 2). */
const TTL_MS = 60_000;
/** Whoever uses it from then on has it read again behind its back, so that what is in use never waits. */
const REFRESH_AFTER_MS = 30_000;
/** People create the pod first and the Secret a moment later; a right that is missing takes a person to be given. */
const NEGATIVE_TTL_MS = { 'not-found': 5_000, forbidden: 30_000, unusable: 30_000 } as const;
/** Between reads while the API server does not answer them. */
const RETRY_MS = 1_000;
/** What was read last goes on being used for this long while the API server does not answer; pods go on, too. */
const STALE_IF_ERROR_MS = 10 * 60_000;
/** Longer than a healthy API server takes by far; who asked may have gone before. */
const READ_TIMEOUT_MS = 5_000;
/** Some kilobytes each in practice, for all namespaces of a large cluster. */
const LIMITS = { maxEntries: 10_000, maxBytes: 32 * 1024 * 1024 };
/** The largest content that is used, in base64, and as much metadata as an object may have. */
const MAX_BODY_BYTES = 1024 * 1024;
/** As many as one pod can name: who writes pods of many secrets must not keep other namespaces' reads waiting. */
const MAX_READS_PER_NAMESPACE = 16;
const READ_LIMIT = {
  priorities: ['read'] as const,
  maxRunning: Number.POSITIVE_INFINITY,
  maxRunningPerKey: MAX_READS_PER_NAMESPACE,
  maxWaiting: 0,
  maxWaitingPerKey: 0,
};

interface Entry<T> {
  readonly result: ReadResult<T>;
  /** Of the object that was found; empty otherwise. */
  readonly version: string;
  readonly bytes: number;
  /** Monotonic milliseconds, all of them. */
  readonly readAtMs: number;
  readonly refreshAtMs: number;
  readonly validUntilMs: number;
  /** The last read failed. */
  readonly lastReadFailed: boolean;
}

/**
 * Objects of one resource, each read by a GET of its own when it is first needed, kept for a minute and read again behind
 * its back while in use. One read at a time for each. Who may name an object is for the caller to say.
 */
export class ReadThroughCache<T> {
  readonly #options: ReadThroughCacheOptions<T>;
  readonly #entries = new LruCache<Entry<T>>(LIMITS);
  readonly #reads = new SingleFlight<ReadResult<T>>();
  readonly #limit = new KeyedConcurrencyLimit(READ_LIMIT);

  constructor(options: ReadThroughCacheOptions<T>) {
    this.#options = options;
  }

  /** What is at hand; undefined when it has to be read first. Waits for nothing. */
  peek(namespace: string, name: string): ReadResult<T> | undefined {
    const entry = this.#entries.get(`${namespace}/${name}`);
    const now = this.#options.clock.monotonic();
    if (entry === undefined || entry.validUntilMs <= now) return undefined;
    if (entry.refreshAtMs <= now) void this.#startOrJoinRead(namespace, name);
    return entry.result;
  }

  /** What is at hand, else what the API server says until the signal aborts, else what it said last. Never rejects. */
  async read(namespace: string, name: string, signal: AbortSignal): Promise<ReadResult<T>> {
    const peek = this.peek(namespace, name);
    if (peek !== undefined) return peek;
    const waited = await waitUnlessAborted(this.#startOrJoinRead(namespace, name), signal);
    if (waited.kind === 'done') return waited.value;
    return this.#lastFound(`${namespace}/${name}`)?.result ?? { kind: 'unavailable' };
  }

  #startOrJoinRead(namespace: string, name: string): Promise<ReadResult<T>> {
    const key = `${namespace}/${name}`;
    const inFlight = this.#reads.get(key);
    if (inFlight !== undefined) return inFlight;
    const slot = { priority: 'read', key: namespace, item: name } as const;
    const read = this.#limit.run(slot, () => this.#read(namespace, name));
    return read === undefined ? Promise.resolve({ kind: 'unavailable' }) : this.#reads.do(key, () => read);
  }

  async #read(namespace: string, name: string): Promise<ReadResult<T>> {
    const key = `${namespace}/${name}`;
    const entry = await this.#fetch(namespace, name)
      .then((answer) => this.#toEntry(key, answer))
      .catch((error: unknown) => this.#failed(key, error));
    this.#options.onRead?.(toOutcome(entry));
    this.#warn(entry, this.#entries.get(key), { namespace, name });
    this.#entries.set(key, entry);
    return entry.result;
  }

  #fetch(namespace: string, name: string): Promise<ApiResponse> {
    const { api, resource } = this.#options;
    return api.request({
      method: 'GET',
      path: resourcePath(resource, { namespace, name }),
      // It ends with the client, or at its own deadline: others than who asked first wait for it, too.
      signal: new AbortController().signal,
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: MAX_BODY_BYTES,
    });
  }

  #toEntry(key: string, answer: ApiResponse): Entry<T> {
    if (answer.kind === 'ok' && isJsonObject(answer.body)) return this.#found(key, answer.body);
    if (answer.kind === 'refused' && answer.status === 404) return this.#absent('not-found');
    if (answer.kind === 'refused' && answer.status === 403) return this.#absent('forbidden');
    return this.#unavailable(key);
  }

  #found(key: string, raw: JsonObject): Entry<T> {
    const now = this.#options.clock.monotonic();
    const version = getVersion(raw);
    const kept = this.#entries.get(key);
    const times = {
      readAtMs: now,
      refreshAtMs: now + REFRESH_AFTER_MS,
      validUntilMs: now + TTL_MS,
      lastReadFailed: false,
    };
    // The same value, so that whoever made something of it finds that again.
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

  #failed(key: string, error: unknown): Entry<T> {
    return error instanceof KubeError && error.code === 'TooLarge' ? this.#absent('unusable') : this.#unavailable(key);
  }

  /** What was found last stays in force for a bounded time. */
  #unavailable(key: string): Entry<T> {
    const now = this.#options.clock.monotonic();
    const last = this.#lastFound(key);
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

  #lastFound(key: string): Entry<T> | undefined {
    const kept = this.#entries.get(key);
    const isGood = kept?.result.kind === 'found' && this.#options.clock.monotonic() - kept.readAtMs < STALE_IF_ERROR_MS;
    return isGood ? kept : undefined;
  }

  /** Once an outage. Nothing of an answer or an error is told: a broken one may quote what it failed on. */
  #warn(next: Entry<T>, before: Entry<T> | undefined, object: Readonly<Record<'namespace' | 'name', string>>): void {
    if (!next.lastReadFailed || before?.lastReadFailed === true) return;
    const { resource } = this.#options.resource;
    const kept = next.result.kind === 'found';
    this.#options.logger.warn({ ...object, resource, kept }, 'the API server does not say what is in an object');
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
