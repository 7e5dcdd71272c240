import { ANNOTATION_DECISION, annotationsOf, isJsonObject, labelOf, selectPolicy } from '@archpolicy/core';
import type { ArchPolicy, JsonObject } from '@archpolicy/core';
import { PODS, resourcePath } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { Namespaces, Policies } from './ports.ts';

/** Nothing is ever stored in it: it takes dry runs only (deploy/base/fence/probe-namespace.yaml). */
export const PROBE_NAMESPACE = 'archpolicy-probe';
/** Longer than the API server waits for the webhook, twice: it may be called again. */
const PROBE_TIMEOUT_MS = 6_000;

/** What a probe told. */
export type ProbeResult =
  /** The pod came back with our annotation: the API server reaches the webhook, and it decides. */
  | 'answered'
  /** It came back without, or not at all. */
  | 'silent'
  /** No enforcing policy governs the probe's namespace, so that a pod without our annotation says nothing. */
  | 'not-governed';

export interface WebhookProbeOptions {
  readonly api: Pick<Api, 'request'>;
  readonly policies: Policies;
  readonly namespaces: Namespaces;
  readonly logger: Logger;
}

/** R3: creates a pod with `dryRun=All` and looks whether the webhook was there. */
export class WebhookProbe {
  readonly #options: WebhookProbeOptions;

  constructor(options: WebhookProbeOptions) {
    this.#options = options;
  }

  /**
   * @param image one whose platforms are known: what the webhook cannot inspect it may leave as it is
   * @throws only when the signal ends it
   */
  async probe(image: string, signal: AbortSignal): Promise<ProbeResult> {
    if (!this.#isGoverned()) return 'not-governed';
    try {
      const answer = await this.#options.api.request({
        method: 'POST',
        path: resourcePath(PODS, { namespace: PROBE_NAMESPACE }),
        query: { dryRun: 'All' },
        body: probePod(image),
        signal,
        timeoutMs: PROBE_TIMEOUT_MS,
      });
      if (answer.kind === 'ok') return isAnnotated(answer.body) ? 'answered' : 'silent';
      this.#options.logger.warn({ status: answer.status, reason: answer.reason }, 'the webhook probe was refused');
      return 'silent';
    } catch (err) {
      signal.throwIfAborted();
      this.#options.logger.warn({ err }, 'the webhook could not be probed');
      return 'silent';
    }
  }

  #isGoverned(): boolean {
    const { policies, namespaces } = this.#options;
    const namespace = namespaces.get(PROBE_NAMESPACE);
    const policy: ArchPolicy | undefined = namespace && selectPolicy(policies.list(), namespace, PROBE_LABELS);
    return policy?.spec.mode === 'Enforce';
  }
}

const PROBE_LABELS = { 'app.kubernetes.io/name': 'archpolicy', 'app.kubernetes.io/component': 'probe' };

/** As the restricted Pod Security Standard wants it: its namespace enforces that. */
function probePod(image: string): JsonObject {
  return {
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
          image,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}

function isAnnotated(body: unknown): boolean {
  const pod = body as JsonObject;
  return isJsonObject(pod) && labelOf(annotationsOf(pod), ANNOTATION_DECISION) !== undefined;
}
