import { PROBE_NAMESPACE } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { Api } from '../http/api-client.ts';
import { PODS, resourcePath } from '../http/paths.ts';
import type { ApiResponse } from '../http/response.ts';

/**
 * Timeout of the probe. Longer than two timeouts of the webhook, because the API server may call the webhook a second
 * time.
 */
const PROBE_TIMEOUT_MS = 6_000;
/**
 * The image of the probe pod. It is constant, so that no tenant's image affects the result. The image is never
 * inspected, and because of the dry run never pulled.
 */
const PROBE_IMAGE = 'archpolicy.invalid/probe:v1';
/** The labels of the probe pod. */
export const PROBE_LABELS = { 'app.kubernetes.io/name': 'archpolicy', 'app.kubernetes.io/component': 'probe' };

/** The spec of the probe pod. It meets the restricted Pod Security Standard, which the namespace of probes enforces. */
const SPEC: JsonObject = {
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
};

/**
 * Creates the probe pod with `dryRun=All`. The pod passes all of admission, but is not stored.
 *
 * @param more additional fields of its `spec`, and additional labels
 */
export function createProbePod(
  api: Pick<Api, 'request'>,
  signal: AbortSignal,
  more: { readonly spec?: JsonObject; readonly labels?: Readonly<Record<string, string>> } = {},
): Promise<ApiResponse> {
  return api.request({
    method: 'POST',
    path: resourcePath(PODS, { namespace: PROBE_NAMESPACE }),
    query: { dryRun: 'All' },
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'probe-', namespace: PROBE_NAMESPACE, labels: { ...PROBE_LABELS, ...more.labels } },
      spec: { ...SPEC, ...more.spec },
    },
    signal,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
}
