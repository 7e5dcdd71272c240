import type { NamespaceFacts } from '../kubernetes/facts.ts';
import { selectableValue, toLabelMap } from '../kubernetes/labels.ts';
import type { Labels, SelectableLabels } from '../kubernetes/labels.ts';
import { LABEL_NAMESPACE_NAME } from '../kubernetes/archpolicy-keys.ts';
import { isLabelKey, isLabelValue } from './label-syntax.ts';

/** One expression of a label selector. */
export interface LabelSelectorRequirement {
  readonly key: string;
  /** `In`, `NotIn`, `Exists` or `DoesNotExist`; anything else makes the selector invalid. */
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

/** A `metav1.LabelSelector`. All its requirements must hold, so an empty selector matches everything. */
export interface LabelSelector {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?: readonly LabelSelectorRequirement[] | undefined;
}

/** Returns whether the operator is valid and has the number of values that it requires. */
export function hasFittingValues({ operator, values = [] }: LabelSelectorRequirement): boolean {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0;
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0;
    default:
      return false;
  }
}

/**
 * Returns whether the API server would accept the selector: its operators, label keys and label values must be valid,
 * and the number of values must fit the operator.
 */
export function isValidSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => isLabelKey(key) && isLabelValue(value)) &&
    matchExpressions.every(
      (requirement) =>
        hasFittingValues(requirement) && isLabelKey(requirement.key) && (requirement.values ?? []).every(isLabelValue),
    )
  );
}

/**
 * Returns whether `labels` match the selector, like `metav1.LabelSelectorAsSelector`: `NotIn` also matches an absent
 * key. An invalid selector matches nothing, so that a typing error does not widen the policy.
 */
export function matchesSelector(selector: LabelSelector, labels: SelectableLabels): boolean {
  if (!isValidSelector(selector)) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => selectableValue(labels, key) === value) &&
    matchExpressions.every((requirement) => matchesRequirement(requirement, selectableValue(labels, requirement.key)))
  );
}

/**
 * Returns whether a namespace selector matches the namespace. Because `labels` can lack the label with the namespace's
 * name, the function adds it. The API server sets this label on every namespace.
 */
export function matchesNamespace(
  selector: LabelSelector,
  { name, labels }: Pick<NamespaceFacts, 'name' | 'labels'>,
): boolean {
  const named: Labels = { ...toLabelMap(labels), [LABEL_NAMESPACE_NAME]: name };
  return matchesSelector(selector, named);
}

function matchesRequirement({ operator, values = [] }: LabelSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
