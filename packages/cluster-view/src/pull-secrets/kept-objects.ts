import { KeyedConcurrencyLimit, SingleFlight, waitUnlessAborted } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError, resourcePath } from '@archpolicy/kube';
import type { Api, ApiResponse, Resource } from '@archpolicy/kube';
import type { Logger } from 'pino';
import { BoundedEntries } from './entries.ts';

/** What is known of one object that is read by its name. */
export type Known<T> =
  | { readonly kind: 'found'; readonly value: T }
  /** There is none, we may not read it, or it is not of the kind that is needed. */
  | { readonly kind: 'absent'; readonly why: 'not-found' | 'forbidden' | 'unusable' }
  /** The API server did not say. */
  | { readonly kind: 'unavailable' };

/** How a read ended: a closed set, fit for a metric label. */
export type ReadOutcome = 'found' | 'not-found' | 'forbidden' | 'unusable' | 'unavailable';

/** What an object holds for us. */
export interface Parsed<T> {
  readonly value: T;
  readonly bytes: number;
}

export interface KeptObjectsOptions<T> {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly resource: Resource;
  /** Undefined for an object that is of no use. */
  readonly parse: (raw: JsonObject) => Parsed<T> | undefined;
  readonly onRead?: (outcome: ReadOutcome) => void;
}

/** A change is seen within this time (docs/design.md, section 2). */
const FRESH_MS = 60_000;
/** Whoever uses it from then on has it read again behind its back, so that what is in use never waits. */
const REFRESH_AFTER_MS = 30_000;
/** People create the pod first and the Secret a moment later; a right that is missing takes a person to be given. */
const ABSENT_MS = { 'not-found': 5_000, forbidden: 30_000, unusable: 30_000 } as const;
/** Between reads while the API server does not answer them. */
const RETRY_MS = 1_000;
/** What was read last goes on being used for this long while the API server does not answer; pods go on, too. */
const STALE_MS = 10 * 60_000;
/** Longer than a healthy API server takes by far; who asked may have gone before. */
const READ_TIMEOUT_MS = 5_000;
/** Some kilobytes each in practice, for all namespaces of a large cluster. */
const LIMITS = { maxEntries: 10_000, maxBytes: 32 * 1024 * 1024 };
/** The largest content that is used, in base64, and as much metadata as an object may have. */
const MAX_BODY_BYTES = 1024 * 1024;
/** As many as one pod can name: who writes pods of many secrets must not keep other namespaces' reads waiting. */
const MAX_READS_OF_NAMESPACE = 16;
const READ_LIMIT = {
  priorities: ['read'] as const,
  maxRunning: Number.POSITIVE_INFINITY,
  maxRunningPerKey: MAX_READS_OF_NAMESPACE,
  maxWaiting: 0,
  maxWaitingPerKey: 0,
};

interface Entry<T> {
  readonly known: Known<T>;
  /** Of the object that was found; empty otherwise. */
  readonly version: string;
  readonly bytes: number;
  /** Monotonic milliseconds, all of them. */
  readonly readAtMs: number;
  readonly refreshAtMs: number;
  readonly validUntilMs: number;
  /** The last read failed. */
  readonly failing: boolean;
}

/**
 * Objects of one resource, each read by a GET of its own when it is first needed, kept for a minute and read again behind
 * its back while in use. One read at a time for each. Who may name an object is for the caller to say.
 */
export class KeptObjects<T> {
  readonly #options: KeptObjectsOptions<T>;
  readonly #entries = new BoundedEntries<Entry<T>>(LIMITS);
  readonly #reads = new SingleFlight<Known<T>>();
  readonly #limit = new KeyedConcurrencyLimit(READ_LIMIT);

  constructor(options: KeptObjectsOptions<T>) {
    this.#options = options;
  }

  /** What is at hand; undefined when it has to be read first. Waits for nothing. */
  atHand(namespace: string, name: string): Known<T> | undefined {
    const entry = this.#entries.get(`${namespace}/${name}`);
    const now = this.#options.clock.monotonic();
    if (entry === undefined || entry.validUntilMs <= now) return undefined;
    if (entry.refreshAtMs <= now) void this.#join(namespace, name);
    return entry.known;
  }

  /** What is at hand, else what the API server says until the signal aborts, else what it said last. Never rejects. */
  async read(namespace: string, name: string, signal: AbortSignal): Promise<Known<T>> {
    const atHand = this.atHand(namespace, name);
    if (atHand !== undefined) return atHand;
    const waited = await waitUnlessAborted(this.#join(namespace, name), signal);
    if (waited.kind === 'done') return waited.value;
    return this.#lastFound(`${namespace}/${name}`)?.known ?? { kind: 'unavailable' };
  }

  #join(namespace: string, name: string): Promise<Known<T>> {
    const key = `${namespace}/${name}`;
    const inFlight = this.#reads.get(key);
    if (inFlight !== undefined) return inFlight;
    const slot = { priority: 'read', key: namespace, item: name } as const;
    const read = this.#limit.run(slot, () => this.#read(namespace, name));
    return read === undefined ? Promise.resolve({ kind: 'unavailable' }) : this.#reads.do(key, () => read);
  }

  async #read(namespace: string, name: string): Promise<Known<T>> {
    const key = `${namespace}/${name}`;
    const entry = await this.#ask(namespace, name)
      .then((answer) => this.#judge(key, answer))
      .catch((error: unknown) => this.#failed(key, error));
    this.#options.onRead?.(outcomeOf(entry));
    this.#warn(entry, this.#entries.get(key), { namespace, name });
    this.#entries.set(key, entry);
    return entry.known;
  }

  #ask(namespace: string, name: string): Promise<ApiResponse> {
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

  #judge(key: string, answer: ApiResponse): Entry<T> {
    if (answer.kind === 'ok' && isJsonObject(answer.body)) return this.#found(key, answer.body);
    if (answer.kind === 'refused' && answer.status === 404) return this.#absent('not-found');
    if (answer.kind === 'refused' && answer.status === 403) return this.#absent('forbidden');
    return this.#unavailable(key);
  }

  #found(key: string, raw: JsonObject): Entry<T> {
    const now = this.#options.clock.monotonic();
    const version = versionOf(raw);
    const kept = this.#entries.get(key);
    const times = { readAtMs: now, refreshAtMs: now + REFRESH_AFTER_MS, validUntilMs: now + FRESH_MS, failing: false };
    // The same value, so that whoever made something of it finds that again.
    if (kept?.known.kind === 'found' && kept.version === version) return { ...kept, ...times };
    const parsed = this.#options.parse(raw);
    if (parsed === undefined) return this.#absent('unusable');
    return { known: { kind: 'found', value: parsed.value }, version, bytes: parsed.bytes, ...times };
  }

  #absent(why: Extract<Known<T>, { readonly kind: 'absent' }>['why']): Entry<T> {
    const now = this.#options.clock.monotonic();
    const validUntilMs = now + ABSENT_MS[why];
    const known: Known<T> = { kind: 'absent', why };
    return { known, version: '', bytes: 0, readAtMs: now, refreshAtMs: validUntilMs, validUntilMs, failing: false };
  }

  #failed(key: string, error: unknown): Entry<T> {
    return error instanceof KubeError && error.code === 'TooLarge' ? this.#absent('unusable') : this.#unavailable(key);
  }

  /** What was found last stays in force for a bounded time. */
  #unavailable(key: string): Entry<T> {
    const now = this.#options.clock.monotonic();
    const last = this.#lastFound(key);
    const refreshAtMs = now + RETRY_MS;
    if (last !== undefined) return { ...last, refreshAtMs, validUntilMs: last.readAtMs + STALE_MS, failing: true };
    const known: Known<T> = { kind: 'unavailable' };
    return { known, version: '', bytes: 0, readAtMs: now, refreshAtMs, validUntilMs: refreshAtMs, failing: true };
  }

  #lastFound(key: string): Entry<T> | undefined {
    const kept = this.#entries.get(key);
    const isGood = kept?.known.kind === 'found' && this.#options.clock.monotonic() - kept.readAtMs < STALE_MS;
    return isGood ? kept : undefined;
  }

  /** Once an outage. Nothing of an answer or an error is told: a broken one may quote what it failed on. */
  #warn(next: Entry<T>, before: Entry<T> | undefined, object: Readonly<Record<'namespace' | 'name', string>>): void {
    if (!next.failing || before?.failing === true) return;
    const { resource } = this.#options.resource;
    const kept = next.known.kind === 'found';
    this.#options.logger.warn({ ...object, resource, kept }, 'the API server does not say what is in an object');
  }
}

function outcomeOf({ known, failing }: Entry<unknown>): ReadOutcome {
  if (failing || known.kind === 'unavailable') return 'unavailable';
  return known.kind === 'found' ? 'found' : known.why;
}

function versionOf(raw: JsonObject): string {
  const metadata = objectAt(raw, 'metadata');
  return `${textAt(metadata, 'uid') ?? ''} ${textAt(metadata, 'resourceVersion') ?? ''}`;
}
