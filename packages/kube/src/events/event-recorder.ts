import { withoutUndefined } from '@archpolicy/core';
import { onAbort, startTimer, TokenBucket, waitUnlessAborted } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { EVENTS, resourcePath } from '../http/paths.ts';
import { eventBody, eventKey, eventName, eventNamespace, seriesPatch } from './event-body.ts';
import type { EventInput } from './event-body.ts';

/** Events that wait to be sent; more are dropped: they are information, never state. */
const MAX_PENDING = 1_000;
/** Events that can still be counted up instead of being sent anew; the oldest is forgotten first. */
const MAX_RECENT = 4_096;
/** A repetition after this is news again; the API server forgets events after an hour. */
const SERIES_TTL_MS = 10 * 60_000;
/** How often the count of one event is written at most. */
const SERIES_PATCH_INTERVAL_MS = 60_000;
/** An eviction a second for every policy, with a burst for a start-up. */
const SEND_RATE = { perSecond: 20, burst: 200 };
const SEND_TIMEOUT_MS = 5_000;
/** What was recorded right before a stop should still be seen. */
const FLUSH_MS = 1_000;

export interface EventObserver {
  sent?(): void;
  dropped?(reason: 'queue-full' | 'send-failed' | 'stopped'): void;
}

export interface EventRecorderOptions {
  readonly api: Pick<Api, 'request'>;
  /** A qualified name, such as `archpolicy.dev/operator`. */
  readonly controller: string;
  /** The pod's name. */
  readonly instance: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'debug'>;
  readonly observer?: EventObserver;
}

/** Writes Kubernetes events: deduplicated, rate-limited, bounded, and never in the way of who records them. */
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

  /** Notes an event to be sent by `run`. Never throws, never waits. */
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

  /** Sends until the signal is aborted, then what is left for at most a second. Never rejects. */
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

  /** Sends while there is something, until `until` is aborted. */
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
      logger.debug({ err, reason: entry.event.reason }, 'an event could not be sent');
      this.#drop(entry, 'send-failed');
    }
  }

  /** False when the event is not there any more. */
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
    // Set again, so that the map stays ordered by last sight.
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
  /** The event's name once it was created. */
  name: string | undefined;
  count: number;
  /** Monotonic milliseconds. */
  recordedAt: number;
  sentAt: number;
}
