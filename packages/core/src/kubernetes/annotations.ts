import type { ANNOTATION_ALLOW_EVICTION, ANNOTATION_DECISION, LABEL_PREFERRED } from './archpolicy-keys.ts';
import type { JsonObject } from '../json/json.ts';
import { objectAt, stringAt } from '../json/read.ts';

/**
 * Annotations that the kubelet sets. The first marks the mirror pod of a static pod. The second is the source of a pod (`file`, `http`
 * or `api`).
 * https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/types/pod_update.go
 */
export const ANNOTATION_MIRROR = 'kubernetes.io/config.mirror';
export const ANNOTATION_SOURCE = 'kubernetes.io/config.source';
/**
 * Annotation on namespaces: the tolerations that the admission plugin PodTolerationRestriction allows for pods of the namespace.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#podtolerationrestriction
 */
export const ANNOTATION_TOLERATIONS_WHITELIST = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';

/**
 * Annotation on namespaces: the node selector that the admission plugin PodNodeSelector adds to each pod of the namespace, before
 * webhooks are called.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#podnodeselector
 *
 * @example env=prod,kubernetes.io/arch=amd64
 */
export const ANNOTATION_NODE_SELECTOR = 'scheduler.alpha.kubernetes.io/node-selector';

/**
 * Annotations on pods that node autoscalers must not move: the first for Karpenter, the second for the cluster autoscaler.
 * https://karpenter.sh/docs/concepts/disruption/#pod-level-controls
 * https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.34.0/cluster-autoscaler/FAQ.md#what-types-of-pods-can-prevent-ca-from-removing-a-node
 */
export const ANNOTATION_DO_NOT_DISRUPT = 'karpenter.sh/do-not-disrupt';
export const ANNOTATION_SAFE_TO_EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict';

/** The annotations of a pod that the product uses. The parser drops all others, so code that reads an undeclared key does not compile. */
export interface PodAnnotations {
  readonly [ANNOTATION_ALLOW_EVICTION]?: string;
  readonly [ANNOTATION_DECISION]?: string;
  readonly [LABEL_PREFERRED]?: string;
  readonly [ANNOTATION_MIRROR]?: string;
  readonly [ANNOTATION_SOURCE]?: string;
  readonly [ANNOTATION_DO_NOT_DISRUPT]?: string;
  readonly [ANNOTATION_SAFE_TO_EVICT]?: string;
}

/** The annotations of a namespace that the product uses. */
export interface NamespaceAnnotations {
  readonly [LABEL_PREFERRED]?: string;
  readonly [ANNOTATION_TOLERATIONS_WHITELIST]?: string;
  readonly [ANNOTATION_NODE_SELECTOR]?: string;
}

const POD_KEYS = listKeys<PodAnnotations>({
  'archpolicy.dev/allow-eviction': true,
  'archpolicy.dev/decision': true,
  'archpolicy.dev/preferred': true,
  'kubernetes.io/config.mirror': true,
  'kubernetes.io/config.source': true,
  'karpenter.sh/do-not-disrupt': true,
  'cluster-autoscaler.kubernetes.io/safe-to-evict': true,
});
const NAMESPACE_KEYS = listKeys<NamespaceAnnotations>({
  'archpolicy.dev/preferred': true,
  'scheduler.alpha.kubernetes.io/tolerationsWhitelist': true,
  'scheduler.alpha.kubernetes.io/node-selector': true,
});

/** Maximum length of a value. It is limited, because tenants write the values; a valid value is never longer. */
const MAX_POD_VALUE_CHARS = 4096;
/** Replaces a value that is too long. The key is kept, because its presence can matter without the value (static pods). */
export const TOO_LONG = '(too long)';
/** Shared by all objects without annotations, to save memory. */
const NONE: object = {};

/** Reads the annotations of a pod, either of a stored pod or of one in an admission review. */
export function readPodAnnotations(pod: JsonObject): PodAnnotations {
  return pick(pod, POD_KEYS, MAX_POD_VALUE_CHARS);
}

/** Reads the annotations of a namespace. */
export function readNamespaceAnnotations(namespace: JsonObject): NamespaceAnnotations {
  return pick(namespace, NAMESPACE_KEYS, Number.POSITIVE_INFINITY);
}

function pick<K extends string>(
  object: JsonObject,
  keys: readonly K[],
  maxChars: number,
): Readonly<Partial<Record<K, string>>> {
  const annotations = objectAt(objectAt(object, 'metadata'), 'annotations');
  let picked: Partial<Record<K, string>> | undefined;
  for (const key of keys) {
    const value = stringAt(annotations, key);
    if (value === undefined) continue;
    picked ??= {};
    picked[key] = value.length <= maxChars ? value : TOO_LONG;
  }
  return picked ?? (NONE as Partial<Record<K, string>>);
}

/** Lists all keys of a record type. If the argument lacks a declared key, it does not compile. */
function listKeys<T>(keys: Readonly<Record<keyof T, true>>): readonly (keyof T & string)[] {
  return Object.keys(keys) as (keyof T & string)[];
}
