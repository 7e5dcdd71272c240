import type { Clock } from '@archpolicy/async';
import { webhookCall } from '@archpolicy/core';
import type { InstalledWebhook, NamespaceFacts, SelectableLabels, WebhookCall } from '@archpolicy/core';
import { Listeners } from '../listeners.ts';
import type { ProbeResult } from './webhook-probe.ts';

/**
 * How long a successful probe counts (docs/adr/0004): a replacement that the webhook does not see is likely to land wrong
 * again, so this is how long an outage can go unnoticed by evictions. One dry run a second is cheap, and sent only while
 * evictions are due.
 */
const PROBE_VALID_MS = 1_000;
/** Between two probes of a silent webhook. */
const RETRY_MS = 1_000;
/** How often a change of reachability is detected: a Lease becomes stale by time alone. */
const CHECK_MS = 500;

export interface WebhookHealthOptions {
  /** The webhook's Lease. */
  readonly lease: { isFresh(): boolean };
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  readonly clock: Clock;
  /** Which pods the API server calls the webhook for; undefined until it was read. */
  readonly configuration: { readonly installed: InstalledWebhook | undefined };
}

/**
 * R3: whether the webhook would handle a replacement: its configuration defines the pods that it is called for, its Lease
 * shows that it runs, and a probe that the API server reaches it.
 */
export class WebhookHealth {
  readonly #options: WebhookHealthOptions;
  readonly #changes = new Listeners<boolean>();
  #isSilent = false;
  /** Monotonic milliseconds until which the last successful probe counts. */
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
    // Until the configuration was read the webhook is not reachable: evictions wait for that, and nothing is reported.
    return installed === undefined ? 'called' : webhookCall(installed, namespace, labels);
  }

  /** Probes the webhook, unless a probe succeeded within the last second. For the moment right before an eviction. */
  async confirm(signal: AbortSignal): Promise<boolean> {
    if (!this.#options.lease.isFresh()) return false;
    if (!this.#isSilent && this.#options.clock.monotonic() < this.#validUntil) return true;
    return this.#probe(signal);
  }

  /** Probes the webhook in any case. For the moment after a wrong landing: did the webhook go away? */
  async confirmNow(signal: AbortSignal): Promise<boolean> {
    return this.#options.lease.isFresh() && this.#probe(signal);
  }

  /**
   * The listener receives whether the webhook is reachable, each time that this changes while `run` runs; unreachable is
   * where it starts. Returns the function that unsubscribes it.
   */
  subscribe(listener: (isReachable: boolean) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Probes a silent webhook until it answers, and notifies listeners, until the signal is aborted. */
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

  /** One at a time: concurrent callers share the result. */
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
