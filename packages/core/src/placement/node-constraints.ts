import type { Labels } from '../kubernetes/labels.ts';
import { LABEL_ARCH, LABEL_ARCH_BETA } from '../kubernetes/node-labels.ts';
import { getLabel } from '../json/read.ts';
import { NODE_ARCHITECTURES } from '../platform/supported.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import type { Architectures } from '../pod/image-support.ts';
import type { SchedulingDemand } from '../pod/feasible-nodes.ts';
import { allowedBySelector, allowedByTerm, isEmptyTerm } from '../requirement/evaluate.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import type { ValueSet } from '../requirement/value-set.ts';
import { ANY_VALUE, has, implies, intersection, isEmpty, toValueSet } from '../requirement/value-set.ts';

/** The owner's constraints on nodes. */
export type OwnerConstraints = Pick<SchedulingDemand, 'nodeSelector' | 'requiredAffinity'>;

/** Returns the requirement that allows only these architectures. */
export function architectureRequirement(architectures: readonly NodeArchitecture[]): NodeSelectorRequirement {
  return { key: LABEL_ARCH, operator: 'In', values: architectures };
}

/**
 * Returns the requirement that excludes all other architectures, but not nodes without the label. The excluded
 * architectures do not depend on the nodes of the cluster. So pods of one template get the same requirement, and nodes
 * that are added later are excluded as well.
 *
 * @returns undefined if there is no other architecture
 */
export function exceptOthersRequirement(
  architectures: readonly NodeArchitecture[],
): NodeSelectorRequirement | undefined {
  const excluded = NODE_ARCHITECTURES.filter((architecture) => !architectures.includes(architecture));
  return excluded.length === 0 ? undefined : { key: LABEL_ARCH, operator: 'NotIn', values: excluded };
}

/** Whether the node selector or the required terms constrain the architecture (PL3). */
export function constrainsArchitecture({ nodeSelector, requiredAffinity }: OwnerConstraints): boolean {
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  return (
    isArch(nodeSelector) || terms.some(({ matchExpressions }) => matchExpressions.some(({ key }) => isArchKey(key)))
  );
}

/** Returns the architectures that the node selector and at least one matchable term allow. */
export function allowedByOwner(
  owned: OwnerConstraints,
  architectures: readonly NodeArchitecture[],
): readonly NodeArchitecture[] {
  const alternatives = getTerms(owned)
    .filter((term) => term === undefined || !isEmptyTerm(term))
    .map((term) => allowedArchitectures(owned.nodeSelector, term));
  if (alternatives.includes(ANY_VALUE)) return architectures;
  return architectures.filter((architecture) => alternatives.some((allowed) => has(allowed, architecture)));
}

/** Returns those of the architectures that the owner allows; `'any'` is returned unchanged. */
export function restrictToOwnerChoice(owned: OwnerConstraints, architectures: Architectures): Architectures {
  return architectures === 'any' ? 'any' : allowedByOwner(owned, architectures);
}

/**
 * Whether any required term can match a node. An empty term matches no node, and an empty list of terms matches no
 * node.
 */
export function hasMatchableTerm(owned: OwnerConstraints): boolean {
  return getTerms(owned).some((term) => term === undefined || !isEmptyTerm(term));
}

/**
 * Whether the node selector and the term together imply the requirement. Constraints on the deprecated architecture
 * label count as well.
 *
 * @param term undefined if the pod has no required terms
 */
export function isImplied(
  nodeSelector: Labels,
  term: NodeSelectorTerm | undefined,
  requirement: NodeSelectorRequirement,
): boolean {
  if (term !== undefined && isEmptyTerm(term)) return true;
  const allowed =
    requirement.key === LABEL_ARCH
      ? allowedArchitectures(nodeSelector, term)
      : allowedValues(nodeSelector, term, requirement.key);
  return allowed !== ANY_VALUE && implies(allowed, toValueSet(requirement));
}

/** Whether every term implies the requirement, so that adding it would change nothing. */
export function isImpliedEverywhere(owned: OwnerConstraints, requirement: NodeSelectorRequirement): boolean {
  return getTerms(owned).every((term) => isImplied(owned.nodeSelector, term, requirement));
}

/** Whether the requirement contradicts the owner's constraints, so that no term could match with it. */
export function contradicts(owned: OwnerConstraints, requirement: NodeSelectorRequirement): boolean {
  const wanted = toValueSet(requirement);
  return getTerms(owned).every(
    (term) =>
      (term !== undefined && isEmptyTerm(term)) ||
      isEmpty(intersection(allowedValues(owned.nodeSelector, term, requirement.key), wanted)),
  );
}

/**
 * Whether the requirements together contradict the owner's constraints: no node could match a term of the owner and
 * all the requirements.
 */
export function contradictsTogether(
  owned: OwnerConstraints,
  requirements: readonly NodeSelectorRequirement[],
): boolean {
  const alone = (term: NodeSelectorTerm | undefined): OwnerConstraints => ({
    nodeSelector: owned.nodeSelector,
    ...(term !== undefined && { requiredAffinity: { nodeSelectorTerms: [term] } }),
  });
  return getTerms(owned).every((term) => requirements.some((requirement) => contradicts(alone(term), requirement)));
}

/**
 * Returns the required terms, which are ORed. Without required affinity, returns a list with one `undefined`, so that
 * the node selector is evaluated alone.
 */
function getTerms({ requiredAffinity }: OwnerConstraints): readonly (NodeSelectorTerm | undefined)[] {
  return requiredAffinity?.nodeSelectorTerms ?? [undefined];
}

function allowedArchitectures(nodeSelector: Labels, term: NodeSelectorTerm | undefined): ValueSet {
  return intersection(
    allowedValues(nodeSelector, term, LABEL_ARCH),
    // Nodes may lack the deprecated label, so the label counts only if the pod constrains it.
    allowedValues(nodeSelector, term, LABEL_ARCH_BETA),
  );
}

function allowedValues(nodeSelector: Labels, term: NodeSelectorTerm | undefined, key: string): ValueSet {
  const bySelector = allowedBySelector(nodeSelector, key);
  return term === undefined ? bySelector : intersection(bySelector, allowedByTerm(term, key));
}

function isArch(labels: Labels): boolean {
  return getLabel(labels, LABEL_ARCH) !== undefined || getLabel(labels, LABEL_ARCH_BETA) !== undefined;
}

export function isArchKey(key: string): boolean {
  return key === LABEL_ARCH || key === LABEL_ARCH_BETA;
}
