import { withoutUndefined } from '@archpolicy/core';
import type { Api } from '../http/api-client.ts';
import { KubeError } from '../errors.ts';
import { PODS, resourcePath } from '../http/paths.ts';
import { toEvictionResult } from './eviction-result.ts';
import type { EvictionResult } from './eviction-result.ts';

/** The API server takes 10 s to report a UID mismatch on a Pending pod: a shorter timeout would hide it. */
const EVICTION_TIMEOUT_MS = 12_000;

/** The evaluated pod and its version. */
export interface EvictionTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Absent for a pod that is Ready: a stale version would use up its disruption budget without evicting it (R8). */
  readonly resourceVersion?: string;
}

/**
 * Sends one POST to the Eviction subresource, with preconditions and without a grace period. Returns a result for each
 * response, and for a missing response.
 *
 * @throws KubeError `Aborted` if the caller's signal ends the call (the eviction may have been accepted), or `BadConfig` if
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
