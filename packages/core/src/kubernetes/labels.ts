import type { LABEL_PREFERRED, LABEL_PREFERRED_NOE, LABEL_SKIP } from './archpolicy-keys.ts';
import type { JsonObject } from '../json/json.ts';
import { getLabel, objectAt, stringMapAt } from '../json/read.ts';

export type Labels = Readonly<Record<string, string>>;

declare const selectable: unique symbol;

/**
 * All labels of an object. Only selectors read them by arbitrary keys, by {@link selectableValue}; the keys that the
 * product itself reads are declared in the types below, so that a misspelled or unknown key does not compile.
 */
export interface SelectableLabels {
  readonly [selectable]?: never;
}

/** The label with the suffix of a ReplicaSet's name, of Deployments and of Argo Rollouts. */
export const LABEL_TEMPLATE_HASH = 'pod-template-hash';
export const LABEL_ROLLOUTS_TEMPLATE_HASH = 'rollouts-pod-template-hash';

/** Labels of a pod. */
export interface PodLabels extends SelectableLabels {
  readonly [LABEL_SKIP]?: string;
  readonly [LABEL_PREFERRED]?: string;
  readonly [LABEL_PREFERRED_NOE]?: string;
  readonly [LABEL_TEMPLATE_HASH]?: string;
  readonly [LABEL_ROLLOUTS_TEMPLATE_HASH]?: string;
}

/** Labels of a namespace. */
export interface NamespaceLabels extends SelectableLabels {
  readonly [LABEL_SKIP]?: string;
  readonly [LABEL_PREFERRED]?: string;
}

/** The labels of a pod or a pod template; values of another type are left out. */
export function readPodLabels(pod: JsonObject): PodLabels {
  return stringMapAt(objectAt(pod, 'metadata'), 'labels');
}

/** The labels of a namespace; values of another type are left out. */
export function readNamespaceLabels(namespace: JsonObject): NamespaceLabels {
  return stringMapAt(objectAt(namespace, 'metadata'), 'labels');
}

/** The value of a label that a user's selector or policy names. */
export function selectableValue(labels: SelectableLabels, key: string): string | undefined {
  return getLabel(toLabelMap(labels), key);
}

/** The labels as they are written in an object. */
export function toLabelMap(labels: SelectableLabels): Labels {
  return labels as Labels;
}
