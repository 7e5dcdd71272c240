import type { Clock } from '@archpolicy/async';
import { webhookCall } from '@archpolicy/core';
import type { InstalledWebhook, NamespaceFacts, SelectableLabels, WebhookCall } from '@archpolicy/core';
import { Listeners } from '../listeners.ts';
import type { ProbeResult } from './webhook-probe.ts';

/**
 * How long a successful probe is valid (docs/adr/0004). For this time, evictions can continue after the webhook has
 * become unreachable, and the replacements are likely to be misplaced again. A probe per second is cheap, because it is
 * one dry run, and because it is sent only while evictions are due.
 */
const PROBE_VALID_MS = 1_000;
/** Interval between two probes of an unreachable webhook. */
const RETRY_MS = 1_000;
/**
 * Interval at which reachability is checked. Polling is necessary because no event reports that a Lease has become
 * stale.
 */
const CHECK_MS = 500;

export interface WebhookHealthOptions {
  /** The webhook's Lease. */
  readonly lease: { isFresh(): boolean };
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  readonly clock: Clock;
  /**
   * The configuration, which defines for which pods the API server calls the webhook. Undefined before the first read.
   */
  readonly configuration: { readonly installed: InstalledWebhook | undefined };
}

/**
 * R3: determines whether the webhook would handle a replacement. The webhook configuration defines for which pods the
 * API server calls the webhook. The webhook's Lease shows that the webhook runs. A probe shows that the API server
 * reaches the webhook.
 */
export class WebhookHealth {
  readonly #options: WebhookHealthOptions;
  readonly #changes = new Listeners<boolean>();
  #isSilent = false;
  /** The time until which the last successful probe is valid, monotonic milliseconds. */
  #validUntil = -Infinity;
  #probing: Promise<boolean> | undefined;

  constructor(options: WebhookHealthOptions) {
    this.#options = options;
  }

  isReachable(): boolean {
    return this.#options.configuration.installed !== undefined && this.#options.lease.isFresh() && !this.#isSilent;
  }

  callFor(namespace: NamespaceFacts, labels: SelectableLabels): WebhookCall {
    const { installed } = this.#options.configuration;
    // Before the first read, the result is `called`, so that no reason of the configuration is reported. Evictions wait
    // nevertheless, because `isReachable` is false then.
    return installed === undefined ? 'called' : webhookCall(installed, namespace, labels);
  }

  /**
   * Probes the webhook unless a probe succeeded within the last second. Call this function right before an eviction.
   */
  async confirm(signal: AbortSignal): Promise<boolean> {
    if (!this.#options.lease.isFresh()) return false;
    if (!this.#isSilent && this.#options.clock.monotonic() < this.#validUntil) return true;
    return this.#probe(signal);
  }

  /**
   * Probes the webhook even if a recent probe succeeded. Call this function after a misplaced replacement, to detect
   * whether the webhook went down.
   */
  async confirmNow(signal: AbortSignal): Promise<boolean> {
    return this.#options.lease.isFresh() && this.#probe(signal);
  }

  /**
   * Calls the listener with the new reachability each time it changes while `run` runs. The initial state is
   * unreachable. Returns an unsubscribe function.
   */
  subscribe(listener: (isReachable: boolean) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Probes an unreachable webhook until it responds, and notifies listeners. Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#retry(signal), this.#notify(signal)]);
  }

  async #retry(signal: AbortSignal): Promise<void> {
    const { clock, lease } = this.#options;
    const hasEnded = (): boolean => signal.aborted;
    while (!hasEnded()) {
      await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      if (hasEnded() || !this.#isSilent || !lease.isFresh()) continue;
      await this.#probe(signal).catch(() => undefined);
    }
  }

  async #notify(signal: AbortSignal): Promise<void> {
    let wasReachable = false;
    while (!signal.aborted) {
      const isReachable = this.isReachable();
      if (isReachable !== wasReachable) this.#changes.notify(isReachable);
      wasReachable = isReachable;
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => undefined);
    }
  }

  /** Probes the webhook. Concurrent calls share one probe and its result. */
  #probe(signal: AbortSignal): Promise<boolean> {
    this.#probing ??= this.#options
      .probe(signal)
      .then((result) => {
        this.#isSilent = result === 'silent';
        if (!this.#isSilent) this.#validUntil = this.#options.clock.monotonic() + PROBE_VALID_MS;
        return !this.#isSilent;
      })
      .finally(() => {
        this.#probing = undefined;
      });
    return this.#probing;
  }
}
