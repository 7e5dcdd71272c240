import type { LABEL_PREFERRED, LABEL_PREFERRED_NOE, LABEL_SKIP } from './archpolicy-keys.ts';
import type { JsonObject } from '../json/json.ts';
import { getLabel, objectAt, stringMapAt } from '../json/read.ts';

export type Labels = Readonly<Record<string, string>>;

declare const selectable: unique symbol;

/**
 * All labels of an object. Selectors read arbitrary keys with {@link selectableValue}; the product's own keys are declared in
 * the types below, so that a misspelled or unknown key does not compile.
 */
export interface SelectableLabels {
  readonly [selectable]?: never;
}

/** Labels whose value is the suffix of a ReplicaSet's name. Deployments set the first, Argo Rollouts the second. */
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

/** Reads the labels of a pod or a pod template. Drops values that are not strings. */
export function readPodLabels(pod: JsonObject): PodLabels {
  return stringMapAt(objectAt(pod, 'metadata'), 'labels');
}

/** Reads the labels of a namespace. Drops values that are not strings. */
export function readNamespaceLabels(namespace: JsonObject): NamespaceLabels {
  return stringMapAt(objectAt(namespace, 'metadata'), 'labels');
}

/** Returns the value of a label that a user's selector or policy names. */
export function selectableValue(labels: SelectableLabels, key: string): string | undefined {
  return getLabel(toLabelMap(labels), key);
}

/** Returns the labels as a map. */
export function toLabelMap(labels: SelectableLabels): Labels {
  return labels as Labels;
}
