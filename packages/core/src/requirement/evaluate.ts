import type { Labels } from '../kubernetes/labels.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import { getLabel } from '../json/read.ts';
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import type { ValueSet } from './value-set.ts';
import { ANY_VALUE, intersection, satisfies, toValueSet } from './value-set.ts';

/** The only field of a node that `matchFields` of a term can name. */
export const FIELD_NAME = 'metadata.name';

/** The constraints of a pod on the labels and the name of its node. */
export interface NodeConstraints {
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector | undefined;
}

/** The parts of a node that the constraints match. */
export type SelectableNode = Pick<NodeFacts, 'name' | 'labels'>;

/**
 * Returns whether the node satisfies the node selector and the required affinity, evaluated as in the scheduler.
 *
 * @see https://github.com/kubernetes/component-helpers/blob/v0.36.3/scheduling/corev1/nodeaffinity/nodeaffinity.go
 */
export function matchesNode({ nodeSelector, requiredAffinity }: NodeConstraints, node: SelectableNode): boolean {
  for (const [key, value] of Object.entries(nodeSelector)) if (getLabel(node.labels, key) !== value) return false;
  return requiredAffinity === undefined || requiredAffinity.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** Returns whether the node satisfies each expression and field of the term. An empty term matches no node. */
export function matchesTerm(term: NodeSelectorTerm, node: SelectableNode): boolean {
  return (
    !isEmptyTerm(term) &&
    term.matchExpressions.every((requirement) => satisfies(requirement, getLabel(node.labels, requirement.key))) &&
    term.matchFields.every((requirement) => satisfiesField(requirement, node.name))
  );
}

/** Returns whether a term has no expressions and fields. Such a term matches no node. */
export function isEmptyTerm({ matchExpressions, matchFields }: NodeSelectorTerm): boolean {
  return matchExpressions.length === 0 && matchFields.length === 0;
}

/** Returns the values of a label that all expressions of a term allow. */
export function allowedByTerm({ matchExpressions }: NodeSelectorTerm, key: string): ValueSet {
  let allowed = ANY_VALUE;
  for (const requirement of matchExpressions) {
    if (requirement.key === key) allowed = intersection(allowed, toValueSet(requirement));
  }
  return allowed;
}

/** Returns the values of a label that the map `nodeSelector` allows. */
export function allowedBySelector(nodeSelector: Labels, key: string): ValueSet {
  const value = getLabel(nodeSelector, key);
  return value === undefined ? ANY_VALUE : toValueSet({ key, operator: 'In', values: [value] });
}

/**
 * Returns whether a node with this name satisfies a field requirement. As in the scheduler, no node satisfies the
 * requirement unless its operator is In or NotIn and it has exactly one value.
 */
function satisfiesField(requirement: NodeSelectorRequirement, name: string): boolean {
  const { key, operator, values } = requirement;
  const readable = key === FIELD_NAME && values.length === 1 && (operator === 'In' || operator === 'NotIn');
  return readable && satisfies(requirement, name);
}
