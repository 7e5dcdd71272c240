import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, textAt } from '../json/read.ts';
import { PREFERRED, REQUIRED } from '../kubernetes/pod-spec.ts';
import { isArchKey } from './node-constraints.ts';

/**
 * PL3: whether the owner chose among architectures without requiring one: by preferred node affinity, a topology
 * spread, or pod affinity or anti-affinity over the architecture. Narrowing the pod would override that choice.
 *
 * @param spec the pod's spec without the preferred terms that ArchPolicy added
 */
export function choosesSoftly(spec: JsonObject): boolean {
  const affinity = objectAt(spec, 'affinity');
  return (
    arrayAt(objectAt(affinity, 'nodeAffinity'), PREFERRED).some(prefersArchitecture) ||
    arrayAt(spec, 'topologySpreadConstraints').some(isOverArchitecture) ||
    ['podAffinity', 'podAntiAffinity'].some((kind) => isPodTermOverArchitecture(objectAt(affinity, kind)))
  );
}

function prefersArchitecture(term: Json): boolean {
  if (!isJsonObject(term)) return false;
  const expressions = arrayAt(objectAt(term, 'preference'), 'matchExpressions');
  return expressions.some((expression) => isJsonObject(expression) && isArchKey(textAt(expression, 'key') ?? ''));
}

function isPodTermOverArchitecture(affinity: JsonObject): boolean {
  const weighted = arrayAt(affinity, PREFERRED).map((term) =>
    isJsonObject(term) ? objectAt(term, 'podAffinityTerm') : {},
  );
  return [...arrayAt(affinity, REQUIRED), ...weighted].some(isOverArchitecture);
}

function isOverArchitecture(term: Json): boolean {
  return isJsonObject(term) && isArchKey(textAt(term, 'topologyKey') ?? '');
}
