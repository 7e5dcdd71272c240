import { withoutUndefined } from '@archpolicy/core';
import type { Api } from '../http/api-client.ts';
import { KubeError } from '../errors.ts';
import { PODS, resourcePath } from '../http/paths.ts';
import { toEvictionResult } from './eviction-result.ts';
import type { EvictionResult } from './eviction-result.ts';

/**
 * Timeout of an eviction. It is longer than the 10 s after which the API server reports a UID mismatch of a Pending
 * pod.
 */
const EVICTION_TIMEOUT_MS = 12_000;

/** The pod to be evicted, in the version that was evaluated. */
export interface EvictionTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /**
   * The precondition on the pod's version. It is absent for a Ready pod, because an eviction with a stale version would
   * fail but still consume the disruption budget (R8).
   */
  readonly resourceVersion?: string;
}

/**
 * Sends one POST to the Eviction subresource, with preconditions and without a grace period. Returns a result for every
 * response, and a result `no-answer` if there is no response.
 *
 * @throws KubeError `Aborted` if the caller's signal ends the call (the API server may have accepted the eviction), or `BadConfig` if
 *   the credentials cannot be read
 */
export async function evict(
  api: Pick<Api, 'request'>,
  target: EvictionTarget,
  signal: AbortSignal,
): Promise<EvictionResult> {
  const { namespace, name, uid, resourceVersion } = target;
  try {
    const answer = await api.request({
      method: 'POST',
      path: resourcePath(PODS, { namespace, name, subresource: 'eviction' }),
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: withoutUndefined({ uid, resourceVersion }) },
      },
      signal,
      timeoutMs: EVICTION_TIMEOUT_MS,
    });
    return toEvictionResult(answer);
  } catch (error) {
    if (error instanceof KubeError && error.code !== 'Aborted' && error.code !== 'BadConfig') {
      return { kind: 'no-answer', error };
    }
    throw error;
  }
}
