import { webhookCall } from '@archpolicy/core';
import type { InstalledWebhook, NamespaceFacts, SelectableLabels, WebhookCall } from '@archpolicy/core';
import type { Clock } from '@archpolicy/kube';
import type { Webhook } from '../remediation/ports.ts';
import type { ProbeResult } from './webhook-probe.ts';

/**
 * How long an answer counts (docs/adr/0004): an eviction whose replacement no webhook sees is likely to land wrong again,
 * so that this is the time in which an outage can cost an eviction. One dry run a second is cheap, and made only while
 * evictions are due.
 */
const PROBE_VALID_MS = 1_000;
/** While it is silent, again after this long. */
const RETRY_MS = 1_000;

export interface WebhookReachOptions {
  /** The webhook's Lease. */
  readonly lease: { isFresh(): boolean };
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  readonly clock: Clock;
  /** What the API server calls the webhook for; undefined before it was read. */
  readonly configuration: { readonly installed: InstalledWebhook | undefined };
}

/** R3: what the webhook is called for; its Lease says that it runs, a probe that the API server reaches it. */
export class WebhookReach implements Webhook {
  readonly #options: WebhookReachOptions;
  #isSilent = false;
  /** Monotonic milliseconds until which the last good answer counts. */
  #validUntil = -Infinity;
  #probing: Promise<boolean> | undefined;

  constructor(options: WebhookReachOptions) {
    this.#options = options;
  }

  isReachable(): boolean {
    return this.#options.configuration.installed !== undefined && this.#options.lease.isFresh() && !this.#isSilent;
  }

  callFor(namespace: NamespaceFacts, labels: SelectableLabels): WebhookCall {
    const { installed } = this.#options.configuration;
    // Before it was read nothing is reachable: that is waited for, and not reported.
    return installed === undefined ? 'called' : webhookCall(installed, namespace, labels);
  }

  /** Right before an eviction: makes sure, unless that was done within the last second. */
  async confirm(signal: AbortSignal): Promise<boolean> {
    if (!this.#options.lease.isFresh()) return false;
    if (!this.#isSilent && this.#options.clock.monotonic() < this.#validUntil) return true;
    return this.#probe(signal);
  }

  /** Right after something went wrong: was it the webhook that was not there? */
  async confirmNow(signal: AbortSignal): Promise<boolean> {
    return this.#options.lease.isFresh() && this.#probe(signal);
  }

  /** Asks a silent webhook again until it answers or the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, lease } = this.#options;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      if (isOver() || !this.#isSilent || !lease.isFresh()) continue;
      await this.#probe(signal).catch(() => undefined);
    }
  }

  /** One at a time: whoever asks meanwhile gets the same answer. */
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
