import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import { bodyOrThrow, PODS, resourcePath } from '@archpolicy/kube';
import type { Api, ApiResponse } from '@archpolicy/kube';

/** A pod is at most 1.5 MB in etcd. */
const MAX_POD_BYTES = 8 * 1024 * 1024;
/** A call that takes longer is better retried. */
const TIMEOUT_MS = 10_000;

/** Identifies a pod. The uid excludes another pod of the same name. */
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
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_POD_BYTES,
    });
    if (answer.kind === 'refused' && answer.status === 404) return undefined;
    const body = bodyOrThrow(answer);
    return isJsonObject(body) && textAt(objectAt(body, 'metadata'), 'uid') === uid ? body : undefined;
  }

  /** Sends a JSON Patch and returns any response. A dry run passes all of admission and changes nothing. */
  patch(
    { namespace, name }: PodIdentity,
    operations: readonly JsonPatchOperation[],
    { signal, dryRun = false }: { readonly signal: AbortSignal; readonly dryRun?: boolean },
  ): Promise<ApiResponse> {
    return this.#api.request({
      method: 'PATCH',
      path: resourcePath(PODS, { namespace, name }),
      // Our fields are valid: strict decoding of the whole pod would cost the API server a tenth of the call.
      query: { fieldValidation: 'Ignore', ...(dryRun && { dryRun: 'All' }) },
      contentType: 'application/json-patch+json',
      body: operations.map((operation) => ({ ...operation })),
      signal,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_POD_BYTES,
    });
  }
}

/** Returns `metadata.resourceVersion`, or '', which matches no version. */
export function getResourceVersion(pod: JsonObject): string {
  return textAt(objectAt(pod, 'metadata'), 'resourceVersion') ?? '';
}
