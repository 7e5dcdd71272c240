import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { Api } from '../http/api-client.ts';
import { DEPLOYMENTS, resourcePath } from '../http/paths.ts';
import { bodyOrThrow } from '../http/response.ts';

/**
 * A reference to the Deployment of a process. The garbage collector deletes an object when the last of its owners is
 * gone. Without `blockOwnerDeletion`, the object does not delay the deletion of its owner.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export interface OwnerReference {
  readonly apiVersion: 'apps/v1';
  readonly kind: 'Deployment';
  readonly name: string;
  readonly uid: string;
}

/** Namespace and name of a Deployment. */
export interface DeploymentLocation {
  readonly namespace: string;
  readonly name: string;
}

const TIMEOUT_MS = 5_000;

/**
 * Reads the Deployment and returns a reference to it. Returns undefined if there is no such Deployment, because the
 * process was started in another way.
 *
 * @throws KubeError if the read fails
 */
export async function readOwner(
  api: Pick<Api, 'request'>,
  location: DeploymentLocation,
  signal: AbortSignal,
): Promise<OwnerReference | undefined> {
  const path = resourcePath(DEPLOYMENTS, { namespace: location.namespace, name: location.name });
  const answer = await api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  if (answer.kind === 'refused' && answer.status === 404) return undefined;
  const body = bodyOrThrow(answer);
  const uid = textAt(objectAt(isJsonObject(body) ? body : {}, 'metadata'), 'uid');
  if (uid === undefined) throw new KubeError('Malformed', 'the Deployment has no UID');
  return { apiVersion: 'apps/v1', kind: 'Deployment', name: location.name, uid };
}

/**
 * Returns the metadata of an object with a reference to the owner. Replaces a reference to an earlier Deployment of the
 * same name, and keeps references to other owners. Returns `metadata` itself if nothing changes.
 */
export function withOwner(metadata: JsonObject, owner: OwnerReference): JsonObject {
  const references = arrayAt(metadata, 'ownerReferences');
  const same = references.filter((reference) => isSameName(reference, owner));
  const [first] = same;
  if (same.length === 1 && isJsonObject(first) && textAt(first, 'uid') === owner.uid) return metadata;
  const others = references.filter((reference) => !isSameName(reference, owner));
  return { ...metadata, ownerReferences: [...others, { ...owner }] };
}

function isSameName(reference: Json, { kind, name }: OwnerReference): boolean {
  return (
    isJsonObject(reference) &&
    reference['kind'] === kind &&
    reference['name'] === name &&
    textAt(reference, 'apiVersion')?.split('/')[0] === 'apps'
  );
}
