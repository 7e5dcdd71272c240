import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { LABEL_ARCH } from '../kubernetes/node-labels.ts';
import { PREFERRED, REQUIRED } from '../kubernetes/pod-spec.ts';
import { isJsonArray } from '../json/read.ts';
import { isNodeArchitecture } from '../platform/supported.ts';
import { jsonEqual } from './json-patch.ts';

/**
 * Where additions of ours can stand in a pod, and what they can look like there. The record of what we added stands in
 * an annotation that tenants can write: what does not look like ours is never taken out on its word, so that nobody can
 * have another webhook's additions removed by us.
 */
export type ManagedPath =
  | { readonly kind: 'object'; readonly fields: Readonly<Record<string, ManagedPath>> }
  /** Node selector terms: lists of objects whose fields are places in turn. */
  | { readonly kind: 'terms'; readonly term: ManagedPath }
  /** A list of elements that are ours as a whole or not at all. */
  | { readonly kind: 'elements'; readonly isOurs: (element: Json) => boolean }
  /** A value that is ours as a whole or not at all. */
  | { readonly kind: 'value'; readonly isOurs: (value: Json) => boolean };

/**
 * @param copiedKeys the label keys that the policy copies to node affinity
 * @param isBare the node selector of no other pod is written
 */
export function managedPaths(copiedKeys: readonly string[], isBare: boolean): ManagedPath {
  const expressions = elements((element) => isExpression(element, copiedKeys) || isExclusion(element));
  const required = object({ nodeSelectorTerms: { kind: 'terms', term: object({ matchExpressions: expressions }) } });
  const nodeAffinity = object({ [REQUIRED]: required, [PREFERRED]: elements(isPreferredTerm) });
  const spec = object({
    ...(isBare && { nodeSelector: object(selectorKeys(copiedKeys)) }),
    affinity: object({ nodeAffinity }),
    tolerations: elements(isToleration),
    schedulingGates: elements((element) => jsonEqual(element, { name: GATE_INSPECTING })),
  });
  return object({ spec });
}

/** The fields that are looked at: naming them spares the index signature. */
type Fields = Readonly<Record<'key' | 'operator' | 'value' | 'values', Json | undefined>>;

function object(fields: Readonly<Record<string, ManagedPath>>): ManagedPath {
  return { kind: 'object', fields };
}

/** Keys that a policy copies come from labels, so any text can be ours. */
function selectorKeys(copiedKeys: readonly string[]): Readonly<Record<string, ManagedPath>> {
  const copied = copiedKeys.map((key) => [key, { kind: 'value', isOurs: isText } as const] as const);
  return { ...Object.fromEntries(copied), [LABEL_ARCH]: { kind: 'value', isOurs: isArchitecture } };
}

function isText(value: Json): boolean {
  return typeof value === 'string';
}

function isArchitecture(value: Json): boolean {
  return typeof value === 'string' && isNodeArchitecture(value);
}

function elements(isOurs: (element: Json) => boolean): ManagedPath {
  return { kind: 'elements', isOurs };
}

function isExpression(element: Json, copiedKeys: readonly string[]): boolean {
  if (!isRequirement(element, 'In')) return false;
  const { key, values } = element as Fields;
  if (!isJsonArray(values) || values.length === 0) return false;
  if (key === LABEL_ARCH) return values.every(isArchitecture);
  return typeof key === 'string' && copiedKeys.includes(key) && values.length === 1;
}

/** PL5: the architectures that the images do not support. */
function isExclusion(element: Json): boolean {
  if (!isRequirement(element, 'NotIn')) return false;
  const { key, values } = element as Fields;
  return key === LABEL_ARCH && isJsonArray(values) && values.length > 0 && values.every(isArchitecture);
}

function isRequirement(element: Json, operator: 'In' | 'NotIn'): element is JsonObject {
  return isJsonObject(element) && hasOnly(element, ['key', 'operator', 'values']) && element['operator'] === operator;
}

function isPreferredTerm(element: Json): boolean {
  if (!isJsonObject(element) || !hasOnly(element, ['weight', 'preference'])) return false;
  const preference = element['preference'];
  if (!isJsonObject(preference) || !hasOnly(preference, ['matchExpressions'])) return false;
  const expressions = preference['matchExpressions'];
  return isJsonArray(expressions) && expressions.length === 1 && expressions.every((one) => isExpression(one, []));
}

function isToleration(element: Json): boolean {
  if (!isJsonObject(element) || !hasOnly(element, ['key', 'operator', 'value'])) return false;
  const { key, operator, value } = element as Fields;
  return key === LABEL_ARCH && operator === 'Equal' && typeof value === 'string' && isNodeArchitecture(value);
}

function hasOnly(value: JsonObject, keys: readonly string[]): boolean {
  return Object.keys(value).every((key) => keys.includes(key));
}
