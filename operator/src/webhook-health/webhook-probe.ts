import { ANNOTATION_DECISION, isJsonObject, readPodAnnotations } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { createProbePod } from './probe-pod.ts';

/** The result of a probe. */
export type ProbeResult =
  /** The response contains ArchPolicy's annotation, so the API server reaches the webhook. */
  | 'answered'
  /** The response does not contain the annotation, or there is no response. */
  | 'silent';

export interface WebhookProbeOptions {
  readonly api: Pick<Api, 'request'>;
  readonly logger: Logger;
}

/** R3: creates a pod with `dryRun=All` and checks that the webhook annotated it. */
export class WebhookProbe {
  readonly #options: WebhookProbeOptions;

  constructor(options: WebhookProbeOptions) {
    this.#options = options;
  }

  /** @throws only when the signal is aborted */
  async probe(signal: AbortSignal): Promise<ProbeResult> {
    try {
      const answer = await createProbePod(this.#options.api, signal);
      if (answer.kind === 'ok') return isAnnotated(answer.body) ? 'answered' : 'silent';
      this.#options.logger.warn({ status: answer.status, reason: answer.reason }, 'webhook probe rejected');
      return 'silent';
    } catch (err) {
      signal.throwIfAborted();
      this.#options.logger.warn({ err }, 'webhook probe failed');
      return 'silent';
    }
  }
}

function isAnnotated(body: unknown): boolean {
  const pod = body as JsonObject;
  return isJsonObject(pod) && readPodAnnotations(pod)[ANNOTATION_DECISION] !== undefined;
}
