import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import { bodyOrThrow, PODS, resourcePath } from '@archpolicy/kube';
import type { Api, ApiResponse } from '@archpolicy/kube';

/** Maximum size of a response. A pod takes at most 1.5 MB in etcd. */
const MAX_POD_BYTES = 8 * 1024 * 1024;
/** Timeout of a read. After it, a retry is more likely to succeed than a longer wait. */
const READ_TIMEOUT_MS = 10_000;
/**
 * Timeout of a patch. It is longer than the 34 s after which the API server ends a patch itself. An admission webhook that is
 * unreachable takes 10 s by default, even if the API server then ignores it: each earlier end of the call would discard the
 * patch, and no retry would succeed.
 */
const PATCH_TIMEOUT_MS = 35_000;

/** Identifies a pod. The uid distinguishes it from another pod of the same name. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The gate's API calls for one pod. */
export class PodClient {
  readonly #api: Pick<Api, 'request'>;

  constructor(api: Pick<Api, 'request'>) {
    this.#api = api;
  }

  /** Reads the pod. Returns undefined if it does not exist. Throws a KubeError if the read fails. */
  async read({ namespace, name, uid }: PodIdentity, signal: AbortSignal): Promise<JsonObject | undefined> {
    const answer = await this.#api.request({
      method: 'GET',
      path: resourcePath(PODS, { namespace, name }),
      signal,
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: MAX_POD_BYTES,
    });
    if (answer.kind === 'refused' && answer.status === 404) return undefined;
    const body = bodyOrThrow(answer);
    return isJsonObject(body) && textAt(objectAt(body, 'metadata'), 'uid') === uid ? body : undefined;
  }

  /**
   * Sends a JSON Patch and returns any response. With `dryRun` the patch passes all of admission, but changes nothing.
   */
  patch(
    { namespace, name }: PodIdentity,
    operations: readonly JsonPatchOperation[],
    { signal, dryRun = false }: { readonly signal: AbortSignal; readonly dryRun?: boolean },
  ): Promise<ApiResponse> {
    return this.#api.request({
      method: 'PATCH',
      path: resourcePath(PODS, { namespace, name }),
      // Strict decoding is not needed, because the fields in ArchPolicy's patches are always valid. It would cost the
      // API server a tenth of the call's time.
      query: { fieldValidation: 'Ignore', ...(dryRun && { dryRun: 'All' }) },
      contentType: 'application/json-patch+json',
      body: operations.map((operation) => ({ ...operation })),
      signal,
      timeoutMs: PATCH_TIMEOUT_MS,
      maxBytes: MAX_POD_BYTES,
    });
  }
}

/** Returns `metadata.resourceVersion`. If it is absent, returns '', which equals no version. */
export function getResourceVersion(pod: JsonObject): string {
  return textAt(objectAt(pod, 'metadata'), 'resourceVersion') ?? '';
}
