import type { EventInput, EventRegarding } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { Listeners } from '../listeners.ts';
import { CONFIGURATION } from './gatherer.ts';
import type { Gathered } from './gatherer.ts';
import { isRoutine, replacedNote, toChange } from './messages.ts';
import type { Change } from './messages.ts';
import type { CertificateMetrics } from './metrics.ts';
import type { ChangePlan } from './writer.ts';

export interface CertificateReporterOptions {
  readonly namespace: string;
  readonly events: { record(event: EventInput): void };
  readonly metrics: CertificateMetrics;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Reports changes and problems of the certificates by log, metrics and events. The leader adds the problem to `Degraded`. */
export class CertificateReporter {
  readonly #options: CertificateReporterOptions;
  readonly #changes = new Listeners<undefined>();
  #problem: string | undefined;

  constructor(options: CertificateReporterOptions) {
    this.#options = options;
  }

  /** Why the certificates cannot be kept in order, with the command that helps; undefined if they can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Calls the listener when the problem has changed. Returns an unsubscribe function. */
  subscribe(listener: (value: undefined) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Sets the expiry of both certificates. */
  gathered({ facts: { authority, serving } }: Gathered): void {
    const { metrics } = this.#options;
    if (authority.kind === 'usable') metrics.expires('authority', authority.signing.notAfterMs);
    if (serving.kind === 'usable') metrics.expires('serving', serving.notAfterMs);
  }

  changed(plan: ChangePlan, gathered: Gathered): void {
    const change = toChange(plan);
    const { logger, metrics, events } = this.#options;
    metrics.changed(change.object, change.cause);
    logger.info({ ...change, plan: plan.kind }, 'certificates of the webhook changed');
    const regarding = this.#regarding(change, gathered);
    if (isRoutine(change) || regarding === undefined) return;
    events.record({
      regarding,
      type: 'Warning',
      reason: 'CertificateReplaced',
      action: 'Replace',
      note: replacedNote(change),
    });
  }

  /** Sets the problem, or removes it. An event on the webhook configuration reports each new one. */
  setProblem(problem: string | undefined, gathered?: Gathered): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const { logger, metrics, events } = this.#options;
    metrics.failing(problem !== undefined);
    this.#changes.notify(undefined);
    if (problem === undefined) {
      logger.info({}, 'certificates of the webhook are in order again');
      return;
    }
    logger.warn({ problem }, 'failed to keep the certificates of the webhook in order');
    const regarding = gathered === undefined ? undefined : configuration(gathered);
    if (regarding === undefined) return;
    events.record({ regarding, type: 'Warning', reason: 'CertificateFailed', action: 'Renew', note: problem });
  }

  #regarding({ object }: Change, gathered: Gathered): EventRegarding | undefined {
    if (object === 'bundle') return configuration(gathered);
    const secret = object === 'authority' ? gathered.authority : gathered.serving;
    if (secret === undefined) return undefined;
    const { namespace } = this.#options;
    return { apiVersion: 'v1', kind: 'Secret', namespace, name: secret.name, uid: secret.uid };
  }
}

function configuration({ configuration: installed }: Gathered): EventRegarding | undefined {
  if (installed === undefined) return undefined;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    name: CONFIGURATION,
    uid: installed.uid,
  };
}
