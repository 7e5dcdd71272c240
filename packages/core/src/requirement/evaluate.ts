import type { Labels } from '../kubernetes/labels.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import { getLabel } from '../json/read.ts';
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import type { ValueSet } from './value-set.ts';
import { ANY_VALUE, intersection, satisfies, toValueSet } from './value-set.ts';

/** The one field of a node that a term can match. */
export const FIELD_NAME = 'metadata.name';

/** What a pod asks of a node's labels and name. */
export interface NodeConstraints {
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector | undefined;
}

/** What of a node the demand is matched with. */
export type SelectableNode = Pick<NodeFacts, 'name' | 'labels'>;

/**
 * Whether the node satisfies the node selector and the required affinity, as the scheduler evaluates them.
 *
 * @see https://github.com/kubernetes/component-helpers/blob/v0.36.3/scheduling/corev1/nodeaffinity/nodeaffinity.go
 */
export function matchesNode({ nodeSelector, requiredAffinity }: NodeConstraints, node: SelectableNode): boolean {
  for (const [key, value] of Object.entries(nodeSelector)) if (getLabel(node.labels, key) !== value) return false;
  return requiredAffinity === undefined || requiredAffinity.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** Whether the node satisfies every expression and field of the term. An empty term matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: SelectableNode): boolean {
  return (
    !isEmptyTerm(term) &&
    term.matchExpressions.every((requirement) => satisfies(requirement, getLabel(node.labels, requirement.key))) &&
    term.matchFields.every((requirement) => satisfiesField(requirement, node.name))
  );
}

/** A term without expressions and fields, which matches nothing. */
export function isEmptyTerm({ matchExpressions, matchFields }: NodeSelectorTerm): boolean {
  return matchExpressions.length === 0 && matchFields.length === 0;
}

/** What the ANDed expressions of a term allow for one label. */
export function allowedByTerm({ matchExpressions }: NodeSelectorTerm, key: string): ValueSet {
  let allowed = ANY_VALUE;
  for (const requirement of matchExpressions) {
    if (requirement.key === key) allowed = intersection(allowed, toValueSet(requirement));
  }
  return allowed;
}

/** What a node selector map allows for one label. */
export function allowedBySelector(nodeSelector: Labels, key: string): ValueSet {
  const value = getLabel(nodeSelector, key);
  return value === undefined ? ANY_VALUE : toValueSet({ key, operator: 'In', values: [value] });
}

/** The scheduler reads field requirements as In or NotIn with exactly one value; any other matches nothing. */
function satisfiesField(requirement: NodeSelectorRequirement, name: string): boolean {
  const { key, operator, values } = requirement;
  const readable = key === FIELD_NAME && values.length === 1 && (operator === 'In' || operator === 'NotIn');
  return readable && satisfies(requirement, name);
}
