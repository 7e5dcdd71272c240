import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { LABEL_ARCH } from '../kubernetes/node-labels.ts';
import { PREFERRED, REQUIRED } from '../kubernetes/pod-spec.ts';
import { isJsonArray } from '../json/read.ts';
import { isNodeArchitecture } from '../platform/supported.ts';
import { jsonEqual } from './json-patch.ts';

/**
 * A place in a pod where ArchPolicy may have added a value, and the shape of such a value. The record of the additions
 * is in an annotation that tenants can write. So a recorded value of another shape is never removed. Otherwise a tenant
 * could make ArchPolicy remove the additions of other webhooks.
 */
export type ManagedPath =
  | { readonly kind: 'object'; readonly fields: Readonly<Record<string, ManagedPath>> }
  /** Node selector terms: a list of objects whose fields are managed paths. */
  | { readonly kind: 'terms'; readonly term: ManagedPath }
  /** A list whose elements are each managed completely or not at all. */
  | { readonly kind: 'elements'; readonly isManaged: (element: Json) => boolean }
  /** A value that is managed completely or not at all. */
  | { readonly kind: 'value'; readonly isManaged: (value: Json) => boolean };

/**
 * Returns the managed paths of a pod.
 *
 * @param copiedKeys the label keys that the policy copies to node affinity
 * @param selector the keys of the node selector that ArchPolicy never added; undefined for a pod with an owner, because
 *   its node selector is not managed
 */
export function managedPaths(
  copiedKeys: readonly string[],
  selector: { readonly except: readonly string[] } | undefined,
): ManagedPath {
  const expressions = elements((element) => isExpression(element, copiedKeys) || isExclusion(element));
  const required = object({ nodeSelectorTerms: { kind: 'terms', term: object({ matchExpressions: expressions }) } });
  const nodeAffinity = object({ [REQUIRED]: required, [PREFERRED]: elements(isPreferredTerm) });
  const spec = object({
    ...(selector !== undefined && { nodeSelector: object(selectorKeys(copiedKeys, selector.except)) }),
    affinity: object({ nodeAffinity }),
    tolerations: elements(isToleration),
    schedulingGates: elements((element) => jsonEqual(element, { name: GATE_INSPECTING })),
  });
  return object({ spec });
}

/**
 * The fields that the checks compare. The type names them, because the compiler requires brackets for fields of an
 * index signature.
 */
type Fields = Readonly<Record<'key' | 'operator' | 'value' | 'values', Json | undefined>>;

function object(fields: Readonly<Record<string, ManagedPath>>): ManagedPath {
  return { kind: 'object', fields };
}

/**
 * Returns the managed keys of the node selector. Under a copied key, any string may be an addition of ArchPolicy,
 * because the string was copied from a label.
 */
function selectorKeys(copiedKeys: readonly string[], except: readonly string[]): Readonly<Record<string, ManagedPath>> {
  const copied = copiedKeys.map((key) => [key, { kind: 'value', isManaged: isString } as const] as const);
  const managed = {
    ...Object.fromEntries(copied),
    [LABEL_ARCH]: { kind: 'value', isManaged: isArchitecture } as const,
  };
  return Object.fromEntries(Object.entries(managed).filter(([key]) => !except.includes(key)));
}

function isString(value: Json): boolean {
  return typeof value === 'string';
}

function isArchitecture(value: Json): boolean {
  return typeof value === 'string' && isNodeArchitecture(value);
}

function elements(isManaged: (element: Json) => boolean): ManagedPath {
  return { kind: 'elements', isManaged };
}

function isExpression(element: Json, copiedKeys: readonly string[]): boolean {
  if (!isRequirement(element, 'In')) return false;
  const { key, values } = element as Fields;
  if (!isJsonArray(values) || values.length === 0) return false;
  if (key === LABEL_ARCH) return values.every(isArchitecture);
  return typeof key === 'string' && copiedKeys.includes(key) && values.length === 1;
}

/** Whether the element excludes the architectures that the images do not support (PL5). */
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
