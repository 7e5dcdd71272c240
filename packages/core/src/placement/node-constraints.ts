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

/** What the owner asks of nodes. */
export type NodeConstraints = Pick<SchedulingDemand, 'nodeSelector' | 'requiredAffinity'>;

/** The requirement that a node has one of these architectures. */
export function architectureRequirement(architectures: readonly NodeArchitecture[]): NodeSelectorRequirement {
  return { key: LABEL_ARCH, operator: 'In', values: architectures };
}

/**
 * The requirement that a node has none of the other architectures: a node without the label satisfies it. The list depends on
 * no node, so that pods of one template stay equal, and a node that comes later is excluded, too.
 *
 * @returns undefined where no other architecture exists
 */
export function exceptOthersRequirement(
  architectures: readonly NodeArchitecture[],
): NodeSelectorRequirement | undefined {
  const others = NODE_ARCHITECTURES.filter((architecture) => !architectures.includes(architecture));
  return others.length === 0 ? undefined : { key: LABEL_ARCH, operator: 'NotIn', values: others };
}

/** Whether node selector or required terms say anything about the architecture (PL3). */
export function constrainsArchitecture({ nodeSelector, requiredAffinity }: NodeConstraints): boolean {
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  return (
    isArch(nodeSelector) || terms.some(({ matchExpressions }) => matchExpressions.some(({ key }) => isArchKey(key)))
  );
}

/** Those of the architectures that node selector and at least one term that can match allow. */
export function allowedByOwner(
  owned: NodeConstraints,
  architectures: readonly NodeArchitecture[],
): readonly NodeArchitecture[] {
  const alternatives = termsOf(owned)
    .filter((term) => term === undefined || !isEmptyTerm(term))
    .map((term) => allowedArchitectures(owned.nodeSelector, term));
  if (alternatives.includes(ANY_VALUE)) return architectures;
  return architectures.filter((architecture) => alternatives.some((allowed) => has(allowed, architecture)));
}

/** The same of what images support; `'any'` stays as it is. */
export function withinChoice(owned: NodeConstraints, architectures: Architectures): Architectures {
  return architectures === 'any' ? 'any' : allowedByOwner(owned, architectures);
}

/** Whether some term can match: an empty term matches nothing, and so does a list without terms. */
export function hasMatchableTerm(owned: NodeConstraints): boolean {
  return termsOf(owned).some((term) => term === undefined || !isEmptyTerm(term));
}

/**
 * Whether the requirement is implied already by node selector and this term (`undefined`: there are no terms). For the
 * architecture, what is said of the deprecated label counts as well.
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

/** Whether the requirement is implied everywhere, so that adding it would change nothing. */
export function isImpliedEverywhere(owned: NodeConstraints, requirement: NodeSelectorRequirement): boolean {
  return termsOf(owned).every((term) => isImplied(owned.nodeSelector, term, requirement));
}

/** Whether no term would be left that can match: the requirement contradicts what the owner wrote. */
export function contradicts(owned: NodeConstraints, requirement: NodeSelectorRequirement): boolean {
  const wanted = toValueSet(requirement);
  return termsOf(owned).every(
    (term) =>
      (term !== undefined && isEmptyTerm(term)) ||
      isEmpty(intersection(allowedValues(owned.nodeSelector, term, requirement.key), wanted)),
  );
}

/** The same for all of the requirements together: no term would be left that satisfies each of them. */
export function contradictTogether(owned: NodeConstraints, requirements: readonly NodeSelectorRequirement[]): boolean {
  const alone = (term: NodeSelectorTerm | undefined): NodeConstraints => ({
    nodeSelector: owned.nodeSelector,
    ...(term !== undefined && { requiredAffinity: { nodeSelectorTerms: [term] } }),
  });
  return termsOf(owned).every((term) => requirements.some((requirement) => contradicts(alone(term), requirement)));
}

/** The required terms, which are ORed; without required affinity the node selector stands alone, as one `undefined`. */
function termsOf({ requiredAffinity }: NodeConstraints): readonly (NodeSelectorTerm | undefined)[] {
  return requiredAffinity?.nodeSelectorTerms ?? [undefined];
}

function allowedArchitectures(nodeSelector: Labels, term: NodeSelectorTerm | undefined): ValueSet {
  return intersection(
    allowedValues(nodeSelector, term, LABEL_ARCH),
    // A node without the deprecated label is not meant by "any value, or none": only what is said of it counts.
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
