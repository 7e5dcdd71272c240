import { withoutUndefined } from '@archpolicy/core';
import { onAbort, startTimer, TokenBucket, waitUnlessAborted } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import type { Logger } from 'pino';
import type { Api } from '../http/api-client.ts';
import { EVENTS, resourcePath } from '../http/paths.ts';
import { eventBody, eventKey, eventName, eventNamespace, seriesPatch } from './event-body.ts';
import type { EventInput } from './event-body.ts';

/** Events that wait to be sent; more are dropped: they are information, never state. */
const MAX_WAITING = 1_000;
/** Events that can still be counted up instead of being sent anew; the oldest is forgotten first. */
const MAX_REMEMBERED = 4_096;
/** A repetition after this is news again; the API server forgets events after an hour. */
const REMEMBER_MS = 10 * 60_000;
/** How often the count of one event is written at most. */
const COUNT_EVERY_MS = 60_000;
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
  readonly #remembered = new Map<string, Remembered>();
  readonly #waiting = new Set<Remembered>();
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(SEND_RATE.burst, options.clock.monotonic());
  }

  /** Notes an event to be sent by `run`. Never throws, never waits. */
  record(event: EventInput): void {
    const now = this.#options.clock.monotonic();
    const entry = this.#entryOf(event, now);
    entry.count += 1;
    entry.seenAt = now;
    if (this.#waiting.has(entry) || now - entry.sentAt < COUNT_EVERY_MS) return;
    if (this.#waiting.size >= MAX_WAITING) {
      this.#remembered.delete(entry.key);
      this.#options.observer?.dropped?.('queue-full');
      return;
    }
    this.#waiting.add(entry);
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
      await this.#somethingWaiting(signal);
    }
    await this.#sendAll(sending.signal, sending.signal);
    stopTimer();
    for (const entry of this.#waiting) this.#drop(entry, 'stopped');
  }

  /** Sends while there is something, until `until` is aborted. */
  async #sendAll(until: AbortSignal, signal: AbortSignal): Promise<void> {
    for (const entry of this.#waiting) {
      const delayMs = this.#bucket.reserve(SEND_RATE, this.#options.clock.monotonic());
      if (delayMs > 0) await this.#options.clock.sleep(delayMs, until).catch(() => undefined);
      if (until.aborted) return;
      this.#waiting.delete(entry);
      await this.#send(entry, signal);
    }
  }

  async #somethingWaiting(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => {
      resolve(undefined);
    };
    await waitUnlessAborted(promise, signal);
  }

  async #send(entry: Remembered, signal: AbortSignal): Promise<void> {
    const { clock, logger, observer } = this.#options;
    try {
      const sent =
        (entry.name !== undefined && (await this.#count(entry, signal))) || (await this.#create(entry, signal));
      entry.sentAt = clock.monotonic();
      if (sent) observer?.sent?.();
      else this.#drop(entry, 'send-failed');
    } catch (err) {
      logger.debug({ err, reason: entry.event.reason }, 'an event could not be sent');
      this.#drop(entry, 'send-failed');
    }
  }

  /** False when the event is not there any more. */
  async #count(entry: Remembered, signal: AbortSignal): Promise<boolean> {
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

  async #create(entry: Remembered, signal: AbortSignal): Promise<boolean> {
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

  #drop(entry: Remembered, reason: 'send-failed' | 'stopped'): void {
    this.#waiting.delete(entry);
    this.#remembered.delete(entry.key);
    this.#options.observer?.dropped?.(reason);
  }

  #entryOf(event: EventInput, now: number): Remembered {
    const key = eventKey(event);
    const known = this.#remembered.get(key);
    // Set again, so that the map stays ordered by last sight.
    this.#remembered.delete(key);
    const entry =
      known !== undefined && now - known.seenAt < REMEMBER_MS
        ? known
        : { key, event, name: undefined, count: 0, seenAt: now, sentAt: -Infinity };
    this.#remembered.set(key, entry);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
    return entry;
  }
}

interface Remembered {
  readonly key: string;
  readonly event: EventInput;
  /** The event's name once it was created. */
  name: string | undefined;
  count: number;
  /** Monotonic milliseconds. */
  seenAt: number;
  sentAt: number;
}
