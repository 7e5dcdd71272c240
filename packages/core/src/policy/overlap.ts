import type { NamespaceFacts } from '../kubernetes/facts.ts';
import type { SelectableLabels } from '../kubernetes/labels.ts';
import { ANY_VALUE, implies, intersection, toValueSet } from '../requirement/value-set.ts';
import type { ValueSet } from '../requirement/value-set.ts';
import type { ArchPolicy } from './arch-policy.ts';
import { isValidSelector } from './label-selector.ts';
import type { LabelSelector } from './label-selector.ts';
import { beats, selectPolicy } from './select-policy.ts';

/**
 * Returns a policy that prevents the given policy from ever governing a pod: it has precedence and selects all pods
 * that the given policy selects. Does not detect that several other policies together select all those pods.
 */
export function findShadow(policy: ArchPolicy, policies: Iterable<ArchPolicy>): ArchPolicy | undefined {
  let shadow: ArchPolicy | undefined;
  for (const other of policies) {
    const first = shadow === undefined || beats(other, shadow);
    if (first && beats(other, policy) && covers(other, policy)) shadow = other;
  }
  return shadow;
}

/**
 * Returns the first other policy that selects the pod and has the winner's priority. Its name is the only reason why
 * this policy does not govern the pod.
 */
export function findRival(
  winner: ArchPolicy,
  policies: Iterable<ArchPolicy>,
  namespace: NamespaceFacts,
  podLabels: SelectableLabels,
): ArchPolicy | undefined {
  return selectPolicy(ofSamePriority(winner, policies), namespace, podLabels);
}

function* ofSamePriority(winner: ArchPolicy, policies: Iterable<ArchPolicy>): Generator<ArchPolicy> {
  for (const other of policies) {
    if (other.name !== winner.name && other.spec.priority === winner.spec.priority) yield other;
  }
}

function covers(outer: ArchPolicy, inner: ArchPolicy): boolean {
  if (outer.deleting === true) return false;
  return (
    selectorCovers(outer.spec.namespaceSelector, inner.spec.namespaceSelector) &&
    selectorCovers(outer.spec.podSelector, inner.spec.podSelector)
  );
}

/**
 * Returns whether all labels that match `inner` also match `outer`. Returns false if one of the selectors is invalid.
 */
function selectorCovers(outer: LabelSelector, inner: LabelSelector): boolean {
  if (!isValidSelector(outer) || !isValidSelector(inner)) return false;
  const allowed = allowedBy(inner);
  return [...allowedBy(outer)].every(([key, set]) => implies(allowed.get(key) ?? ANY_VALUE, set));
}

/**
 * Returns the values that a valid selector allows, by label key. The operators of label selectors also exist in node
 * selectors, so the same sets of values are used.
 */
function allowedBy({ matchLabels = {}, matchExpressions = [] }: LabelSelector): ReadonlyMap<string, ValueSet> {
  const allowed = new Map<string, ValueSet>();
  const add = (key: string, operator: string, values: readonly string[]): void => {
    if (!isOperator(operator)) return;
    allowed.set(key, intersection(allowed.get(key) ?? ANY_VALUE, toValueSet({ key, operator, values })));
  };
  for (const [key, value] of Object.entries(matchLabels)) add(key, 'In', [value]);
  for (const { key, operator, values = [] } of matchExpressions) add(key, operator, values);
  return allowed;
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

function isOperator(text: string): text is (typeof OPERATORS)[number] {
  return OPERATORS.some((operator) => operator === text);
}
