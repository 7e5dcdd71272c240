import { ANNOTATION_DECISION, isJsonObject, PROBE_NAMESPACE, readPodAnnotations } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { PODS, resourcePath } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';

/** Longer than the API server waits for the webhook, twice: it may be called again. */
const PROBE_TIMEOUT_MS = 6_000;
/** The same for every probe: no tenant's image affects the result. A dry run pulls nothing, and the webhook does not inspect it. */
const PROBE_IMAGE = 'archpolicy.invalid/probe:v1';

/** The result of a probe. */
export type ProbeResult =
  /** The pod came back with our annotation: the API server reaches the webhook. */
  | 'answered'
  /** It came back without, or not at all. */
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
      const answer = await this.#options.api.request({
        method: 'POST',
        path: resourcePath(PODS, { namespace: PROBE_NAMESPACE }),
        query: { dryRun: 'All' },
        body: PROBE_POD,
        signal,
        timeoutMs: PROBE_TIMEOUT_MS,
      });
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

const PROBE_LABELS = { 'app.kubernetes.io/name': 'archpolicy', 'app.kubernetes.io/component': 'probe' };

/** Meets the restricted Pod Security Standard, which its namespace enforces. */
const PROBE_POD: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'probe-', namespace: PROBE_NAMESPACE, labels: PROBE_LABELS },
  spec: {
    automountServiceAccountToken: false,
    restartPolicy: 'Never',
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'probe',
        image: PROBE_IMAGE,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
};

function isAnnotated(body: unknown): boolean {
  const pod = body as JsonObject;
  return isJsonObject(pod) && readPodAnnotations(pod)[ANNOTATION_DECISION] !== undefined;
}
