import type { Clock } from '@archpolicy/async';
import {
  LABEL_NAMESPACE_NAME,
  PROBE_NAMESPACE,
  readNamespaceLabels,
  readPodLabels,
  webhookCall,
} from '@archpolicy/core';
import type { InstalledWebhook, NamespaceFacts, SelectableLabels, WebhookCall } from '@archpolicy/core';
import { PROBE_LABELS } from '@archpolicy/kube';
import { Listeners } from '../listeners.ts';
import { afterProbe, isPassing, NOT_PROBED, whileLeaseIsStale } from './probe/probe-state.ts';
import type { ProbeState } from './probe/probe-state.ts';
import type { ProbeVerdict } from './probe/probe-verdict.ts';
import type { Diagnosis } from './probe/unreachable-cause.ts';
import { findWebhookStatus, isSameStatus } from './webhook-status.ts';
import type { WebhookStatus } from './webhook-status.ts';

/**
 * Interval at which reachability is checked. Polling is necessary because no event reports that a Lease has become
 * stale.
 */
const CHECK_MS = 500;
/**
 * For how long after the start the status is unknown, so that the Lease and the configuration can be read and the first
 * probe can end.
 */
const START_MS = 5_000;

export interface WebhookHealthOptions {
  /** The webhook's Lease. */
  readonly lease: { isFresh(): boolean };
  readonly probe: (signal: AbortSignal) => Promise<ProbeVerdict>;
  /**
   * Determines why the webhook is silent.
   * @param durationMs the duration of the probe that found it silent
   */
  readonly diagnose: (durationMs: number, signal: AbortSignal) => Promise<Diagnosis>;
  readonly clock: Clock;
  /** The configuration, which defines for which pods the API server calls the webhook. */
  readonly configuration: {
    /** Undefined before the first read. */
    readonly installed: InstalledWebhook | undefined;
    /** Why the last read failed, if it failed. */
    readonly failure: string | undefined;
  };
  readonly namespaces: { get(name: string): NamespaceFacts | undefined };
}

/**
 * R3: determines whether the webhook would handle a replacement. The webhook configuration defines for which pods the
 * API server calls the webhook. The webhook's Lease shows that the webhook runs. A probe shows that the API server
 * reaches the webhook.
 *
 * Probes once a minute while the webhook is reachable, also if no policy evicts, because the API server admits pods
 * unchanged while it cannot reach the webhook, and each creation of a pod may wait for a timeout (docs/adr/0131).
 */
export class WebhookHealth {
  readonly #options: WebhookHealthOptions;
  readonly #reachable = new Listeners<undefined>();
  readonly #statuses = new Listeners<WebhookStatus>();
  #probes: ProbeState = NOT_PROBED;
  #probing: Promise<boolean> | undefined;
  #status: WebhookStatus = { kind: 'unknown' };
  /** From when on the status is determined, monotonic milliseconds. */
  #reportsFrom = Infinity;

  constructor(options: WebhookHealthOptions) {
    this.#options = options;
  }

  isReachable(): boolean {
    const { configuration, lease } = this.#options;
    return configuration.installed !== undefined && lease.isFresh() && isPassing(this.#probes);
  }

  /** The status at the last check at which it was known. */
  get status(): WebhookStatus {
    return this.#status;
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
    if (this.#options.clock.monotonic() < this.#probes.validUntilMs) return true;
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
   * Calls the listener at every check at which the webhook is reachable, not only after a change. So a pod that begins
   * to wait while the webhook becomes reachable, or between two checks, does not miss the change.
   */
  whileReachable(listener: () => void): () => void {
    return this.#reachable.subscribe(listener);
  }

  /** Calls the listener with each changed status. Returns an unsubscribe function. */
  onStatus(listener: (status: WebhookStatus) => void): () => void {
    return this.#statuses.subscribe(listener);
  }

  /** Probes the webhook when a probe is due, and notifies listeners. Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#reportsFrom = this.#options.clock.monotonic() + START_MS;
    await Promise.all([this.#probeWhenDue(signal), this.#checkRepeatedly(signal)]);
  }

  async #probeWhenDue(signal: AbortSignal): Promise<void> {
    const { clock, lease } = this.#options;
    while (!signal.aborted) {
      if (!lease.isFresh()) this.#probes = whileLeaseIsStale(this.#probes);
      if (this.#isProbeDue()) await this.#probe(signal).catch(() => undefined);
      await this.#diagnose(signal).catch(() => undefined);
      await clock.sleep(CHECK_MS, signal).catch(() => undefined);
    }
  }

  #isProbeDue(): boolean {
    const { clock, lease, configuration } = this.#options;
    return configuration.installed !== undefined && lease.isFresh() && clock.monotonic() >= this.#probes.nextAtMs;
  }

  /** Determines the cause of a silent webhook, once after each probe. */
  async #diagnose(signal: AbortSignal): Promise<void> {
    const probes = this.#probes;
    if (probes.verdict?.kind !== 'silent' || !probes.needsDiagnosis) return;
    const diagnosis = await this.#options.diagnose(probes.verdict.durationMs, signal);
    // A probe of an evicting worker may have ended in the meantime.
    if (this.#probes !== probes) return;
    this.#probes = { ...probes, diagnosis, needsDiagnosis: false };
    this.#check();
  }

  async #checkRepeatedly(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#check();
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => undefined);
    }
  }

  #check(): void {
    if (this.isReachable()) this.#reachable.notify(undefined);
    const status = this.#findStatus();
    if (status.kind === 'unknown' || isSameStatus(status, this.#status)) return;
    this.#status = status;
    this.#statuses.notify(status);
  }

  #findStatus(): WebhookStatus {
    const { lease, configuration, namespaces, clock } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs < this.#reportsFrom) return { kind: 'unknown' };
    const { installed, failure } = configuration;
    const namespace = namespaces.get(PROBE_NAMESPACE) ?? UNREAD_NAMESPACE;
    return findWebhookStatus({
      call: installed && webhookCall(installed, namespace, LABELS),
      unread: failure,
      isLeaseFresh: lease.isFresh(),
      probes: this.#probes,
      nowMs,
    });
  }

  /** Probes the webhook. Concurrent calls share one probe and its result. */
  #probe(signal: AbortSignal): Promise<boolean> {
    this.#probing ??= this.#options
      .probe(signal)
      .then((verdict) => {
        this.#probes = afterProbe(this.#probes, verdict, this.#options.clock.monotonic());
        this.#check();
        return verdict.kind === 'answered';
      })
      .finally(() => {
        this.#probing = undefined;
      });
    return this.#probing;
  }
}

const LABELS = readPodLabels({ metadata: { labels: PROBE_LABELS } });

/** The namespace of probes with the label that the API server sets on each namespace. */
const UNREAD_NAMESPACE: NamespaceFacts = {
  name: PROBE_NAMESPACE,
  labels: readNamespaceLabels({ metadata: { labels: { [LABEL_NAMESPACE_NAME]: PROBE_NAMESPACE } } }),
  annotations: {},
};
