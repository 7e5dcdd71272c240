import { withoutUndefined } from '@archpolicy/core';
import { onAbort, startTimer, TokenBucket, waitUnlessAborted } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import type { Logger } from 'pino';
import { KubeError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import type { ApiResponse } from '../http/response.ts';
import { EVENTS, resourcePath } from '../http/paths.ts';
import { eventBody, eventKey, eventName, eventNamespace, seriesPatch } from './event-body.ts';
import type { EventInput } from './event-body.ts';

/**
 * Maximum number of unsent events. Further events are dropped. The limit is lower for events that their caller records again after
 * a drop, so that a flood of these displaces no event that is recorded only once.
 */
const MAX_PENDING = { repeatable: 1_000, once: 2_000 };
/**
 * Maximum number of events whose repetitions are counted. If there are more, the event whose last recording is the
 * oldest is removed.
 */
const MAX_RECENT = 4_096;
/**
 * If an event is recorded again within this time, its count is increased. After this time, a new event is created,
 * because the API server deletes events after an hour.
 */
const SERIES_TTL_MS = 10 * 60_000;
/** Minimum time between two writes of one event's count. */
const SERIES_PATCH_INTERVAL_MS = 60_000;
/**
 * Maximum rate of event writes. The rate is enough if each policy evicts one pod per second. The burst is for the many
 * events after a start of the process.
 */
const SEND_RATE = { perSecond: 20, burst: 200 };
const SEND_TIMEOUT_MS = 5_000;
/** How often an event is sent whose attempts fail although the API server responds to others, as with a broken admission webhook. */
const MAX_ATTEMPTS = 5;
/** How long an event waits for an API server that is unavailable. */
const MAX_WAIT_MS = 10 * 60_000;
/** Pause before the next attempt, unless the API server sends `Retry-After`. It doubles until a success. */
const PAUSE_MS = { first: 200, max: 10_000 };
/** A longer Retry-After, perhaps of a proxy, would keep all events until they are dropped. */
const MAX_RETRY_AFTER_MS = 60_000;
/** Maximum time to send the remaining events at shutdown. */
const FLUSH_MS = 1_000;

export interface EventObserver {
  sent?(): void;
  dropped?(reason: DropReason): void;
}

export interface EventRecorderOptions {
  readonly api: Pick<Api, 'request'>;
  /** The qualified name of the controller that reports the events, such as `archpolicy.dev/operator`. */
  readonly controller: string;
  /** The name of the pod in which the controller runs. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'debug'>;
  readonly observer?: EventObserver;
}

/** Writes Kubernetes events asynchronously. Deduplicates events, and limits their rate and the number of unsent ones. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #bucket: TokenBucket;
  readonly #recent = new Map<string, EventEntry>();
  readonly #pending = new Set<EventEntry>();
  /** Number of pauses since the last event that was sent or rejected. */
  #pauses = 0;
  /** Number of events in a row that the API server failed to store. */
  #failuresInARow = 0;
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(SEND_RATE.burst, options.clock.monotonic());
  }

  /**
   * Enqueues an event for `run`. Never throws or blocks.
   *
   * @param onDropped called if the event is dropped, possibly before this method returns. A caller that records an event once
   *   and marks that as done must clear its mark, so that a later call records the event again
   */
  record(event: EventInput, onDropped?: () => void): void {
    const now = this.#options.clock.monotonic();
    const entry = this.#getOrAddEntry(event, now);
    entry.count += 1;
    entry.recordedAt = now;
    entry.onDropped = onDropped;
    if (this.#pending.has(entry) || now - entry.sentAt < SERIES_PATCH_INTERVAL_MS) return;
    if (this.#pending.size >= (onDropped === undefined ? MAX_PENDING.once : MAX_PENDING.repeatable)) {
      this.#drop(entry, 'queue-full');
      return;
    }
    entry.waitsSince = now;
    this.#pending.add(entry);
    this.#wake();
  }

  /** Sends events until the signal is aborted. Then sends the remaining events for at most 1 s. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const sending = new AbortController();
    let stopTimer = (): void => undefined;
    onAbort(signal, () => {
      stopTimer = startTimer(this.#options.clock, FLUSH_MS, () => {
        sending.abort();
      });
    });
    while (!signal.aborted) {
      await this.#sendAll(signal, sending.signal);
      await this.#waitForPending(signal);
    }
    await this.#sendAll(sending.signal, sending.signal);
    stopTimer();
    for (const entry of this.#pending) this.#drop(entry, 'stopped');
  }

  /** Sends all pending events. Stops when `until` is aborted. */
  async #sendAll(until: AbortSignal, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    // An event that is sent again is iterated over again, after the events that wait.
    for (const entry of this.#pending) {
      const delayMs = this.#bucket.reserve(SEND_RATE, clock.monotonic());
      if (delayMs > 0) await clock.sleep(delayMs, until).catch(() => undefined);
      if (until.aborted) return;
      this.#pending.delete(entry);
      const pauseMs = await this.#send(entry, signal);
      if (pauseMs > 0) await clock.sleep(pauseMs, until).catch(() => undefined);
    }
  }

  async #waitForPending(signal: AbortSignal): Promise<void> {
    if (this.#pending.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => {
      resolve(undefined);
    };
    await waitUnlessAborted(promise, signal);
  }

  /** Sends an event. Returns how long to pause before the next one. */
  async #send(entry: EventEntry, signal: AbortSignal): Promise<number> {
    const { clock, logger, observer } = this.#options;
    const outcome = await this.#write(entry, signal).catch((err: unknown): SendOutcome => {
      logger.debug({ err, reason: entry.event.reason }, 'failed to send an event');
      return signal.aborted ? { kind: 'rejected' } : { kind: isNoConnection(err) ? 'unavailable' : 'failed' };
    });
    if (outcome.kind === 'failed' || outcome.kind === 'unavailable') return this.#retry(entry, outcome);
    this.#pauses = 0;
    this.#failuresInARow = 0;
    entry.attempts = 0;
    entry.sentAt = clock.monotonic();
    if (outcome.kind === 'sent') observer?.sent?.();
    else this.#drop(entry, 'send-failed');
    return 0;
  }

  #retry(entry: EventEntry, outcome: Extract<SendOutcome, { kind: 'failed' | 'unavailable' }>): number {
    if (outcome.kind === 'failed') entry.attempts += 1;
    const hasOthers = this.#pending.size > 0;
    const waitedMs = this.#options.clock.monotonic() - entry.waitsSince;
    if (entry.attempts < MAX_ATTEMPTS && waitedMs < MAX_WAIT_MS) this.#pending.add(entry);
    else this.#drop(entry, 'send-failed');
    // An event that fails alone must not delay the others. If all fail, the API server cannot answer now.
    this.#failuresInARow += 1;
    if (outcome.kind === 'failed' && hasOthers && this.#failuresInARow <= this.#pending.size) return 0;
    this.#failuresInARow = 0;
    this.#pauses += 1;
    if (outcome.retryAfterMs !== undefined) return Math.min(outcome.retryAfterMs, MAX_RETRY_AFTER_MS);
    return Math.min(PAUSE_MS.first * 2 ** (this.#pauses - 1), PAUSE_MS.max);
  }

  async #write(entry: EventEntry, signal: AbortSignal): Promise<SendOutcome> {
    if (entry.isCreated) {
      const patched = await this.#patchSeries(entry, signal);
      if (patched.kind !== 'rejected') return patched;
      // Usually the API server has deleted the event.
      entry.isCreated = false;
      entry.name = undefined;
    }
    return this.#create(entry, signal);
  }

  /** Writes the count of an existing event. */
  async #patchSeries(entry: EventEntry, signal: AbortSignal): Promise<SendOutcome> {
    const location = withoutUndefined({ namespace: eventNamespace(entry.event), name: entry.name });
    const answer = await this.#options.api.request({
      method: 'PATCH',
      path: resourcePath(EVENTS, location),
      contentType: 'application/merge-patch+json',
      body: seriesPatch(entry.count, this.#options.clock.now()),
      signal,
      timeoutMs: SEND_TIMEOUT_MS,
    });
    return toOutcome(answer);
  }

  async #create(entry: EventEntry, signal: AbortSignal): Promise<SendOutcome> {
    const { api, controller, instance, clock } = this.#options;
    const atMs = clock.now();
    entry.count = 1;
    // A retry uses the same name: the attempt before it may have created the event although its response was lost.
    const isRetry = entry.name !== undefined;
    entry.name ??= this.#newName(entry.event, atMs);
    const answer = await api.request({
      method: 'POST',
      path: resourcePath(EVENTS, { namespace: eventNamespace(entry.event) }),
      body: eventBody(entry.event, entry.name, { controller, instance, atMs }),
      signal,
      timeoutMs: SEND_TIMEOUT_MS,
    });
    const exists = answer.kind === 'refused' && answer.status === 409 && answer.reason === 'AlreadyExists';
    const outcome: SendOutcome = isRetry && exists ? { kind: 'sent' } : toOutcome(answer);
    entry.isCreated = outcome.kind === 'sent';
    return outcome;
  }

  #newName(event: EventInput, atMs: number): string {
    const random = Math.floor(this.#options.random() * 0x1000000);
    return eventName(event, `${atMs.toString(16)}${random.toString(16).padStart(6, '0')}`);
  }

  #drop(entry: EventEntry, reason: DropReason): void {
    this.#pending.delete(entry);
    this.#recent.delete(entry.key);
    this.#options.observer?.dropped?.(reason);
    entry.onDropped?.();
  }

  #getOrAddEntry(event: EventInput, now: number): EventEntry {
    const key = eventKey(event);
    const known = this.#recent.get(key);
    // The entry is inserted again below, so that the map stays ordered by the time of the last recording.
    this.#recent.delete(key);
    const entry = known !== undefined && now - known.recordedAt < SERIES_TTL_MS ? known : newEntry(key, event, now);
    this.#recent.set(key, entry);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > MAX_RECENT && oldest !== undefined) this.#recent.delete(oldest);
    return entry;
  }
}

type DropReason = 'queue-full' | 'send-failed' | 'stopped';

type SendOutcome =
  | { readonly kind: 'sent' }
  /** The API server rejects the event. */
  | { readonly kind: 'rejected' }
  /** This event failed. Another attempt may succeed. */
  | { readonly kind: 'failed'; readonly retryAfterMs?: number | undefined }
  /** The API server accepts no events now. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs?: number | undefined };

function toOutcome(answer: ApiResponse): SendOutcome {
  if (answer.kind === 'ok') return { kind: 'sent' };
  const { status, retryAfterMs } = answer;
  if (status === 429 || status === 503) return { kind: 'unavailable', retryAfterMs };
  return status >= 500 ? { kind: 'failed', retryAfterMs } : { kind: 'rejected' };
}

function isNoConnection(error: unknown): boolean {
  return error instanceof KubeError && (error.code === 'Network' || error.code === 'BadConfig');
}

interface EventEntry {
  readonly key: string;
  readonly event: EventInput;
  /** The name of the Event in the API; undefined before the first attempt to create it. */
  name: string | undefined;
  isCreated: boolean;
  /** Number of failed attempts since the last success. */
  attempts: number;
  count: number;
  /** Monotonic milliseconds, like the next two fields. */
  recordedAt: number;
  /** When the event was enqueued. */
  waitsSince: number;
  sentAt: number;
  onDropped: (() => void) | undefined;
}

function newEntry(key: string, event: EventInput, recordedAt: number): EventEntry {
  const unsent = { name: undefined, isCreated: false, attempts: 0, count: 0, sentAt: -Infinity, onDropped: undefined };
  return { key, event, recordedAt, waitsSince: recordedAt, ...unsent };
}
