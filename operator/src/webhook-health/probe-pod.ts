import { PROBE_NAMESPACE } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { PODS, resourcePath } from '@archpolicy/kube';
import type { Api, ApiResponse } from '@archpolicy/kube';

/** Longer than two timeouts of the webhook: the API server may call it again. */
const PROBE_TIMEOUT_MS = 6_000;
/** A constant, so that no tenant's image affects the result. It is neither pulled (dry run) nor inspected. */
const PROBE_IMAGE = 'archpolicy.invalid/probe:v1';
const PROBE_LABELS = { 'app.kubernetes.io/name': 'archpolicy', 'app.kubernetes.io/component': 'probe' };

/** Meets the restricted Pod Security Standard, which its namespace enforces. */
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
 * Creates the probe pod with `dryRun=All`: it passes all of admission, and nothing is stored.
 *
 * @param more additional fields of its `spec`
 */
export function createProbePod(
  api: Pick<Api, 'request'>,
  signal: AbortSignal,
  more: JsonObject = {},
): Promise<ApiResponse> {
  return api.request({
    method: 'POST',
    path: resourcePath(PODS, { namespace: PROBE_NAMESPACE }),
    query: { dryRun: 'All' },
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'probe-', namespace: PROBE_NAMESPACE, labels: PROBE_LABELS },
      spec: { ...SPEC, ...more },
    },
    signal,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
}
