import type { ArchPolicy, BrakeState, StuckWorkload } from '@archpolicy/core';
import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import type { Api } from '@archpolicy/kube';
import type { PolicyCounts } from '../statistics/policy-pod-stats.ts';
import type { TolerationProbeResult } from '../webhook-health/toleration-probe.ts';
import type { WebhookStatus } from '../webhook-health/webhook-status.ts';
import { PolicyController } from './policy-controller.ts';
import type { PolicyControllerOptions, StatusSource } from './policy-controller.ts';
import { PolicyOperator } from './policy-operator.ts';

interface Notifier<T> {
  subscribe(listener: (value: T) => void): () => void;
}

export interface PolicyStatusesOptions extends Omit<PolicyControllerOptions, 'policies'> {
  readonly api: Pick<Api, 'request'>;
  readonly views: Pick<ClusterViewWithPods, 'policies' | 'nodes' | 'namespaces'>;
  /** Notifies of policies whose counts may have changed. */
  readonly stats: Notifier<string> & { counts(policy: string): PolicyCounts };
  /** The time when all pods were last evaluated. Notifies of each new time. */
  readonly progress: Notifier<number> & { readonly completedAtMs: number | undefined };
  readonly brake: Notifier<BrakeState> & { readonly state: BrakeState };
  readonly record: Notifier<boolean> & { readonly isFailing: boolean };
  /** Notifies of a changed problem of the webhook's certificates. */
  readonly certificates: Pick<Notifier<undefined>, 'subscribe'> & { readonly problem: string | undefined };
  /** Notifies of changed statuses of the webhook. */
  readonly webhook: {
    readonly status: WebhookStatus;
    onStatus(listener: (status: WebhookStatus) => void): () => void;
  };
  /** Notifies of changed verdicts on tolerations. */
  readonly tolerations: Pick<Notifier<undefined>, 'subscribe'> & {
    verdict(policy: ArchPolicy): TolerationProbeResult | undefined;
  };
  /** Notifies of changed sentences about architectures that images have lost. */
  readonly losses: Pick<Notifier<undefined>, 'subscribe'> & { getLosses(policy: string): readonly string[] };
}

/** Updates the statuses of all policies while this process leads. Subscribes to all inputs of a status. */
export class PolicyStatuses {
  readonly #options: PolicyStatusesOptions;
  readonly #controller: PolicyController;
  readonly #operator: PolicyOperator;

  constructor(options: PolicyStatusesOptions) {
    this.#options = options;
    const { policies } = options.views;
    const controller = new PolicyController({ ...options, policies });
    this.#controller = controller;
    this.#operator = new PolicyOperator({
      ...options,
      policies,
      onPolicy: (name) => {
        controller.touch(name);
        // A changed policy can begin or cease to shadow another policy, whose status then changes, too.
        controller.touchAll();
      },
    });
  }

  /** R9: relaxes the preference for this workload. */
  relax(policy: string, stuck: StuckWorkload): void {
    this.#controller.relax(policy, stuck);
  }

  /** Counts an eviction of one of the policy's pods. */
  evicted(policy: string): void {
    this.#controller.evicted(policy);
  }

  /** Updates the statuses until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const ends = this.#subscribe();
    try {
      await this.#operator.run(signal);
      const write = this.#operator.writeStatus.bind(this.#operator);
      await this.#controller.run({ source: this.#source(), write }, signal);
    } finally {
      for (const end of ends) end();
    }
  }

  /**
   * Writes the evictions that no status contains yet, such as those whose responses arrived during the shutdown. To be
   * called at the end of a term, when all evictions have ended and the Lease is still held. If another leader has
   * written the status in the meantime, the write is rejected because of its resourceVersion.
   */
  async writeLast(): Promise<void> {
    this.#operator.allowLastWrites();
    await this.#controller.writeLast(this.#operator.writeStatus.bind(this.#operator));
  }

  #subscribe(): readonly (() => void)[] {
    const { views, stats, progress, brake, record, webhook, tolerations, losses, certificates } = this.#options;
    const touchAll = (): void => {
      this.#controller.touchAll();
    };
    return [
      stats.subscribe((policy) => {
        this.#controller.touch(policy);
      }),
      webhook.onStatus(touchAll),
      ...[progress, brake, record, tolerations, losses, certificates, views.nodes].map(
        (notifier: Pick<Notifier<unknown>, 'subscribe'>) => notifier.subscribe(touchAll),
      ),
    ];
  }

  #source(): StatusSource {
    const { views, stats, progress, brake, record, webhook, tolerations, losses, certificates } = this.#options;
    return {
      counts: (policy) => stats.counts(policy),
      lastRecheckMs: () => progress.completedAtMs,
      nodes: () => views.nodes.list(),
      namespaces: () => views.namespaces.list(),
      webhook: () => webhook.status,
      tolerations: (policy) => tolerations.verdict(policy),
      brake: () => brake.state,
      recordFailing: () => record.isFailing,
      certificates: () => certificates.problem,
      losses: (policy) => losses.getLosses(policy),
    };
  }
}
