import type { PodFacts, ReportReason } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import { runGroup } from '../../run-group.ts';
import type { EnqueueAll } from './enqueue-all.ts';
import { watchCluster } from './event-handlers.ts';
import type { EnqueueHandlers, WatchedViews } from './event-handlers.ts';
import type { RecheckSchedule } from './schedule.ts';

interface Notifier<T> {
  subscribe(listener: (value: T) => void): () => void;
}

export interface ResyncOptions {
  readonly views: WatchedViews & { readonly pods: { byImage(image: string): readonly PodFacts[] } };
  readonly configuration: Notifier<unknown>;
  readonly webhook: Notifier<boolean>;
  /** Notifies of images whose supported architectures changed. */
  readonly drift: Notifier<string>;
  readonly enqueueAll: EnqueueAll;
  readonly schedule: RecheckSchedule;
  readonly remediation: EnqueueHandlers & { onWebhookReachable(): void };
}

/** Reasons for not evicting a pod that may no longer apply when the webhook configuration changes. */
const NOT_CALLED: ReadonlySet<string> = new Set<ReportReason>([
  'WebhookNotInstalled',
  'WebhookNotCalled',
  'WebhookCallUnknown',
]);

/**
 * Decides when pods are evaluated. All pods are evaluated at the start and when a policy changes. A single pod is
 * evaluated when an object that affects it changes, and once within every recheck interval.
 */
export class Resync {
  readonly #options: ResyncOptions;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  /** Enqueues pods until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { views, configuration, webhook, drift, enqueueAll, schedule, remediation } = this.#options;
    const ends = [
      watchCluster(views, remediation),
      configuration.subscribe(() => {
        remediation.enqueueDecided(NOT_CALLED);
      }),
      webhook.subscribe((isReachable) => {
        if (isReachable) remediation.onWebhookReachable();
      }),
      drift.subscribe((image) => {
        remediation.enqueue(views.pods.byImage(image).map(podKey));
      }),
    ];
    await runGroup([enqueueAll, schedule], signal).finally(() => {
      for (const end of ends) end();
    });
  }
}
