import type { ClusterViewWithPods } from '@archpolicy/cluster-view';
import type { Api } from '@archpolicy/kube';
import { PolicyController } from './policy-controller.ts';
import type { PolicyControllerOptions, StatusSource } from './policy-controller.ts';
import { PolicyOperator } from './policy-operator.ts';

/** What the statuses are made of that the views of the cluster do not tell. */
export type StatusFacts = Omit<StatusSource, 'nodes' | 'namespaces'>;

export interface PolicyStatusesOptions extends Omit<PolicyControllerOptions, 'policies'> {
  readonly api: Pick<Api, 'request'>;
  readonly views: Pick<ClusterViewWithPods, 'policies' | 'nodes' | 'namespaces'>;
}

/** The statuses of all policies in one leader's term: fed by changes of policies and nodes, and by who counts. */
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
        // What one says can shadow another, or no longer.
        controller.touchAll();
      },
    });
  }

  /** What is counted for the policy may have changed. */
  touch(policy: string): void {
    this.#controller.touch(policy);
  }

  /** What every status is made of has changed. */
  touchAll(): void {
    this.#controller.touchAll();
  }

  /** R9: the preference is to be skipped for this workload. */
  relax(policy: string, workload: string, untilMs: number): void {
    this.#controller.relax(policy, workload, untilMs);
  }

  evicted(policy: string): void {
    this.#controller.evicted(policy);
  }

  /** Keeps the statuses until the signal is aborted. */
  async run(facts: StatusFacts, signal: AbortSignal): Promise<void> {
    const { nodes, namespaces } = this.#options.views;
    await this.#operator.run(signal);
    const end = nodes.subscribe(() => {
      this.#controller.touchAll();
    });
    const source: StatusSource = { ...facts, nodes: () => nodes.list(), namespaces: () => namespaces.list() };
    const write = this.#operator.writeStatus.bind(this.#operator);
    await this.#controller.run({ source, write }, signal).finally(end);
  }
}
