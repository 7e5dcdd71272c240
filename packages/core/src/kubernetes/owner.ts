import type { OwnerReference } from './facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, textAt } from '../json/read.ts';

/**
 * Maximum lengths of the fields of an owner reference. The fields of a reference to an existing owner are never longer.
 * Tenants write these fields, and the API server checks only that they are not empty, not their length. A workload key
 * with a longer field would make the whole status of a policy invalid, including all other workloads.
 *
 * @see https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/api/validation/objectmeta.go (`validateOwnerReference`)
 */
const MAX_LENGTHS = { apiVersion: 253 + 1 + 63, kind: 63, name: 253, uid: 128 } as const;

/**
 * Reads the owner reference with `controller: true`. An object has at most one. Requires only kind and name, because objects in an
 * admission review may lack the other fields. Truncates fields that are longer than {@link MAX_LENGTHS}.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
 * @example {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d4b9c","uid":"d9607e19-…","controller":true}
 */
export function readOwner(object: JsonObject): OwnerReference | undefined {
  for (const reference of arrayAt(objectAt(object, 'metadata'), 'ownerReferences')) {
    if (!isJsonObject(reference) || reference['controller'] !== true) continue;
    const kind = truncatedAt(reference, 'kind');
    const name = truncatedAt(reference, 'name');
    if (kind === undefined || name === undefined) continue;
    const [apiVersion = '', uid = ''] = [truncatedAt(reference, 'apiVersion'), truncatedAt(reference, 'uid')];
    return { apiVersion, kind, name, uid };
  }
  return undefined;
}

/**
 * Matches half of a surrogate pair at the end of a truncated text. The half is removed, because the API server would
 * replace it and return another text than it received.
 */
const HALF_PAIR = /\p{Cs}$/u;

function truncatedAt(reference: JsonObject, field: keyof typeof MAX_LENGTHS): string | undefined {
  const text = textAt(reference, field);
  const max = MAX_LENGTHS[field];
  return text === undefined || text.length <= max ? text : text.slice(0, max).replace(HALF_PAIR, '');
}

/** Builds `group/Kind`, such as `apps/ReplicaSet`, or `/Pod` for the core group. */
export function groupKind({ apiVersion, kind }: Pick<OwnerReference, 'apiVersion' | 'kind'>): string {
  const slash = apiVersion.indexOf('/');
  return `${slash === -1 ? '' : apiVersion.slice(0, slash)}/${kind}`;
}
