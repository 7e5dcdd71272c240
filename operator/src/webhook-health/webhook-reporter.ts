import { onAbort } from '@archpolicy/async';
import { API_GROUP, API_VERSION, ARCHPOLICY_KIND } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';
import type { EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { WebhookHealthMetrics } from './metrics.ts';
import { describeProblem } from './problem-message.ts';
import type { WebhookHealth } from './webhook-health.ts';
import { isProblem } from './webhook-status.ts';
import type { WebhookProblem, WebhookStatus } from './webhook-status.ts';

export interface WebhookReporterOptions {
  readonly webhook: Pick<WebhookHealth, 'onStatus'>;
  readonly policies: { list(): readonly ArchPolicy[] };
  readonly events: { record(event: EventInput): void };
  readonly metrics: Pick<WebhookHealthMetrics, 'webhookProblem'>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/**
 * Reports each change of the webhook's reachability in the log, by a metric, and by an event on each policy. Policies
 * in mode Audit get the events, too, because the policies’ pods are not audited when they are created, and their
 * creation may be slow.
 */
export class WebhookReporter {
  readonly #options: WebhookReporterOptions;
  #problem: WebhookProblem | undefined;

  constructor(options: WebhookReporterOptions) {
    this.#options = options;
  }

  /** Reports until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const end = this.#options.webhook.onStatus((status) => {
      this.#report(status);
    });
    await new Promise<void>((resolve) => {
      onAbort(signal, resolve);
    });
    end();
  }

  #report(status: WebhookStatus): void {
    const before = this.#problem;
    this.#problem = isProblem(status) ? status : undefined;
    if (this.#problem === undefined) this.#recovered(before !== undefined);
    else this.#failed(this.#problem);
  }

  #failed(problem: WebhookProblem): void {
    const { logger, metrics } = this.#options;
    const { words } = problem;
    if (problem.kind === 'unreachable') {
      metrics.webhookProblem(problem.cause);
      logger.warn({ cause: problem.cause, words }, 'webhook unreachable');
      this.#record('Warning', 'WebhookUnreachable', describeProblem(problem));
      return;
    }
    metrics.webhookProblem('probe-refused');
    logger.warn({ status: problem.status, words }, 'webhook probe rejected by the API server');
    this.#record('Warning', 'ProbeRefused', describeProblem(problem));
  }

  #recovered(hadProblem: boolean): void {
    const { logger, metrics } = this.#options;
    metrics.webhookProblem(undefined);
    logger.info({}, 'webhook reachable');
    if (hadProblem) this.#record('Normal', 'WebhookReachable', 'The API server reaches the webhook.');
  }

  #record(type: EventInput['type'], reason: string, note: string): void {
    for (const { name, uid } of this.#options.policies.list()) {
      const regarding = { apiVersion: `${API_GROUP}/${API_VERSION}`, kind: ARCHPOLICY_KIND, name, uid };
      this.#options.events.record({ regarding, type, reason, action: 'Probe', note });
    }
  }
}
