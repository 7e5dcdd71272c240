import { isJsonObject, withoutUndefined } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { StatusError } from '../http/response.ts';
import type { Api } from '../http/api-client.ts';
import { resourcePath } from '../http/paths.ts';
import type { Resource } from '../http/paths.ts';

/** The result of a server-side apply. */
export type ApplyResult =
  | { readonly kind: 'applied'; readonly object: JsonObject }
  | { readonly kind: 'gone' }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'throttled'; readonly retryAfterMs?: number };

export interface ApplyStatusRequest {
  readonly resource: Resource;
  /** The `kind` of the resource, such as `ArchPolicy`. */
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  /**
   * The status. It must not be empty, because the API server turns an empty status into null, and then rejects the
   * null.
   */
  readonly status: JsonObject;
  /** The name under which the API server records the applied fields. Each writer has its own name. */
  readonly fieldManager: string;
}

/**
 * Applies a status server-side. The API server removes fields that this field manager applied before and omits now, and
 * keeps fields of other managers. The object's uid cannot be a precondition, because the API server ignores metadata in
 * a status. So if the object has been deleted and created again, the new object has the status of the old one until the
 * next write.
 *
 * @throws KubeError for any other response
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export async function applyStatus(
  api: Pick<Api, 'request'>,
  request: ApplyStatusRequest,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const { resource, kind, name, namespace, status, fieldManager } = request;
  const answer = await api.request({
    method: 'PATCH',
    path: resourcePath(resource, withoutUndefined({ name, subresource: 'status', namespace })),
    query: { fieldManager, force: true },
    contentType: 'application/apply-patch+yaml', // JSON is YAML
    body: {
      apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
      kind,
      metadata: withoutUndefined({ name, namespace }),
      status,
    },
    signal,
  });
  if (answer.kind === 'ok' && isJsonObject(answer.body)) return { kind: 'applied', object: answer.body };
  if (answer.kind === 'ok') throw new KubeError('Malformed', 'the response to an apply contains no object');
  return toApplyResult(answer);
}

function toApplyResult({ status, message, retryAfterMs }: StatusError): ApplyResult {
  switch (status) {
    case 404:
      return { kind: 'gone' };
    case 409:
      return { kind: 'conflict', message };
    case 422:
      return { kind: 'invalid', message };
    case 429:
      return withoutUndefined({ kind: 'throttled', retryAfterMs });
    default:
      throw new KubeError('Refused', `the API server rejected a status: ${status}`, { status });
  }
}
