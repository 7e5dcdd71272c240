import type { OwnerReference } from './facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, textAt } from '../json/read.ts';

/**
 * Reads the owner reference with `controller: true`; an object has at most one. Requires only kind and name, because objects in
 * an admission review may lack the other fields.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
 * @example {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d4b9c","uid":"d9607e19-…","controller":true}
 */
export function readOwner(object: JsonObject): OwnerReference | undefined {
  for (const reference of arrayAt(objectAt(object, 'metadata'), 'ownerReferences')) {
    if (!isJsonObject(reference) || reference['controller'] !== true) continue;
    const kind = textAt(reference, 'kind');
    const name = textAt(reference, 'name');
    if (kind === undefined || name === undefined) continue;
    return { apiVersion: textAt(reference, 'apiVersion') ?? '', kind, name, uid: textAt(reference, 'uid') ?? '' };
  }
  return undefined;
}

/** Builds `group/Kind`, such as `apps/ReplicaSet`. The core group is empty. */
export function groupKind({ apiVersion, kind }: Pick<OwnerReference, 'apiVersion' | 'kind'>): string {
  const slash = apiVersion.indexOf('/');
  return `${slash === -1 ? '' : apiVersion.slice(0, slash)}/${kind}`;
}
