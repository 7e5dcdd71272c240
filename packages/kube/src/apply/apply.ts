import { isJsonObject, withoutUndefined } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { StatusError } from '../http/response.ts';
import type { Api } from '../http/api-client.ts';
import { resourcePath } from '../http/paths.ts';
import type { Resource } from '../http/paths.ts';

/** What came of a server-side apply. */
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
  /** Not empty: the API server makes null of an empty status, and refuses it. */
  readonly status: JsonObject;
  /** Who owns the fields: one name per writer. */
  readonly fieldManager: string;
}

/**
 * Server-side apply of a status: what this field manager applied before and does not name now is removed, everybody
 * else's fields stay. A uid would be no precondition here (the API server ignores all metadata in a status), so a later
 * object of the same name gets it, until its own status is written. Throws a KubeError for anything that is none of the expected answers.
 *
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
  if (answer.kind === 'ok') throw new KubeError('Malformed', 'the applied object did not come back');
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
      throw new KubeError('Refused', `the API server refused a status: ${status}`, { status });
  }
}
