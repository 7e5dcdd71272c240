import { withoutUndefined } from '@archpolicy/core';
import { onAbort, startTimer, TokenBucket, waitUnlessAborted } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { EVENTS, resourcePath } from '../http/paths.ts';
import { eventBody, eventKey, eventName, eventNamespace, seriesPatch } from './event-body.ts';
import type { EventInput } from './event-body.ts';

/** Maximum number of unsent events. Further events are dropped. That is safe, because events only inform users. */
const MAX_PENDING = 1_000;
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
/** Maximum time to send the remaining events at shutdown. */
const FLUSH_MS = 1_000;

export interface EventObserver {
  sent?(): void;
  dropped?(reason: 'queue-full' | 'send-failed' | 'stopped'): void;
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
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(SEND_RATE.burst, options.clock.monotonic());
  }

  /** Enqueues an event for `run`. Never throws or blocks. */
  record(event: EventInput): void {
    const now = this.#options.clock.monotonic();
    const entry = this.#getOrAddEntry(event, now);
    entry.count += 1;
    entry.recordedAt = now;
    if (this.#pending.has(entry) || now - entry.sentAt < SERIES_PATCH_INTERVAL_MS) return;
    if (this.#pending.size >= MAX_PENDING) {
      this.#recent.delete(entry.key);
      this.#options.observer?.dropped?.('queue-full');
      return;
    }
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
    for (const entry of this.#pending) {
      const delayMs = this.#bucket.reserve(SEND_RATE, this.#options.clock.monotonic());
      if (delayMs > 0) await this.#options.clock.sleep(delayMs, until).catch(() => undefined);
      if (until.aborted) return;
      this.#pending.delete(entry);
      await this.#send(entry, signal);
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

  async #send(entry: EventEntry, signal: AbortSignal): Promise<void> {
    const { clock, logger, observer } = this.#options;
    try {
      const sent =
        (entry.name !== undefined && (await this.#patchSeries(entry, signal))) || (await this.#create(entry, signal));
      entry.sentAt = clock.monotonic();
      if (sent) observer?.sent?.();
      else this.#drop(entry, 'send-failed');
    } catch (err) {
      logger.debug({ err, reason: entry.event.reason }, 'failed to send an event');
      this.#drop(entry, 'send-failed');
    }
  }

  /**
   * Writes the count of an existing event. Returns false if the API server rejects the write, usually because the event
   * no longer exists.
   */
  async #patchSeries(entry: EventEntry, signal: AbortSignal): Promise<boolean> {
    const location = withoutUndefined({ namespace: eventNamespace(entry.event), name: entry.name });
    const answer = await this.#options.api.request({
      method: 'PATCH',
      path: resourcePath(EVENTS, location),
      contentType: 'application/merge-patch+json',
      body: seriesPatch(entry.count, this.#options.clock.now()),
      signal,
      timeoutMs: SEND_TIMEOUT_MS,
    });
    return answer.kind === 'ok';
  }

  async #create(entry: EventEntry, signal: AbortSignal): Promise<boolean> {
    const { api, controller, instance, clock, random } = this.#options;
    const atMs = clock.now();
    entry.count = 1;
    entry.name = eventName(
      entry.event,
      `${atMs.toString(16)}${Math.floor(random() * 0x1000000)
        .toString(16)
        .padStart(6, '0')}`,
    );
    const answer = await api.request({
      method: 'POST',
      path: resourcePath(EVENTS, { namespace: eventNamespace(entry.event) }),
      body: eventBody(entry.event, entry.name, { controller, instance, atMs }),
      signal,
      timeoutMs: SEND_TIMEOUT_MS,
    });
    return answer.kind === 'ok';
  }

  #drop(entry: EventEntry, reason: 'send-failed' | 'stopped'): void {
    this.#pending.delete(entry);
    this.#recent.delete(entry.key);
    this.#options.observer?.dropped?.(reason);
  }

  #getOrAddEntry(event: EventInput, now: number): EventEntry {
    const key = eventKey(event);
    const known = this.#recent.get(key);
    // The entry is inserted again below, so that the map stays ordered by the time of the last recording.
    this.#recent.delete(key);
    const entry =
      known !== undefined && now - known.recordedAt < SERIES_TTL_MS
        ? known
        : { key, event, name: undefined, count: 0, recordedAt: now, sentAt: -Infinity };
    this.#recent.set(key, entry);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > MAX_RECENT && oldest !== undefined) this.#recent.delete(oldest);
    return entry;
  }
}

interface EventEntry {
  readonly key: string;
  readonly event: EventInput;
  /** The name of the Event in the API; undefined until the Event is created. */
  name: string | undefined;
  count: number;
  /** Monotonic milliseconds. */
  recordedAt: number;
  sentAt: number;
}
