import { runGroup } from '../../run-group.ts';
import type { IndexedReason, PolicyPodStats } from '../../statistics/policy-pod-stats.ts';
import type { BulkEnqueue } from './bulk-enqueue.ts';
import type { EnqueueAll } from './enqueue-all.ts';
import { watchCluster } from './event-handlers.ts';
import type { EnqueueHandlers, WatchedViews } from './event-handlers.ts';
import type { RecheckSchedule } from './schedule.ts';

interface Notifier<T> {
  subscribe(listener: (value: T) => void): () => void;
}

export interface ResyncOptions {
  readonly views: WatchedViews & { readonly pods: { keysByImage(image: string): readonly string[] } };
  readonly configuration: Notifier<unknown>;
  readonly webhook: { whileReachable(listener: () => void): () => void };
  /** Notifies of images whose supported architectures changed. */
  readonly drift: Notifier<string>;
  readonly enqueueAll: EnqueueAll;
  readonly bulk: BulkEnqueue;
  readonly stats: Pick<PolicyPodStats, 'keysByReason'>;
  readonly limitQueues: { readonly isWaitingForWebhook: boolean; waitingForWebhook(): Iterable<string> };
  readonly schedule: RecheckSchedule;
  readonly remediation: Pick<EnqueueHandlers, 'enqueue' | 'enqueueAll' | 'onPodBound'>;
}

/** Reasons for not evicting a pod that may no longer apply when a replacement may fit on one more node. */
const NO_NODE: readonly IndexedReason[] = ['NoNodeForReplacement', 'Unschedulable'];
/** Reasons for not evicting a pod that may no longer apply when the webhook configuration changes. */
const NOT_CALLED: readonly IndexedReason[] = ['WebhookNotInstalled', 'WebhookNotCalled', 'WebhookCallUnknown'];

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
    const { enqueueAll, bulk, schedule } = this.#options;
    const ends = this.#subscribe();
    await runGroup([enqueueAll, bulk, schedule], signal).finally(() => {
      for (const end of ends) end();
    });
  }

  #subscribe(): readonly (() => void)[] {
    const { views, configuration, webhook, drift, bulk, stats, limitQueues, remediation } = this.#options;
    const handlers: EnqueueHandlers = {
      enqueue: remediation.enqueue.bind(remediation),
      enqueueAll: remediation.enqueueAll.bind(remediation),
      onPodBound: remediation.onPodBound.bind(remediation),
      enqueueMany: bulk.request.bind(bulk),
      keysWithoutNode: () => stats.keysByReason(NO_NODE),
    };
    return [
      watchCluster(views, handlers),
      configuration.subscribe(() => {
        bulk.request({ name: 'webhook configuration', keys: () => stats.keysByReason(NOT_CALLED) });
      }),
      // A pod can begin to wait after the webhook became reachable, because its evaluation began before. So pods are
      // enqueued while the webhook is reachable and pods wait, not only when it becomes reachable.
      webhook.whileReachable(() => {
        if (limitQueues.isWaitingForWebhook) {
          bulk.request({ name: 'webhook', keys: () => [...limitQueues.waitingForWebhook()] });
        }
      }),
      drift.subscribe((image) => {
        bulk.request({ name: `image ${image}`, keys: () => views.pods.keysByImage(image) });
      }),
    ];
  }
}
