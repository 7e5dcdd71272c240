import { getLabel } from '../json/read.ts';
import type { NodeFacts } from '../kubernetes/facts.ts';
import type { Labels } from '../kubernetes/labels.ts';
import { LABEL_ARCH, LABEL_ARCH_BETA, LABEL_OS, LABEL_OS_BETA } from '../kubernetes/node-labels.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { isEmptyTerm, matchesNode } from '../requirement/evaluate.ts';
import type { NodeConstraints } from '../requirement/evaluate.ts';
import { satisfies } from '../requirement/value-set.ts';
import type { SchedulingDemand } from './feasible-nodes.ts';
import { isSearchable } from './limits.ts';

/**
 * Labels that any new node of an autoscaler may have: https://kubernetes.io/docs/reference/labels-annotations-taints/
 */
const LABELS_OF_ANY_NODE: ReadonlySet<string> = new Set([
  LABEL_ARCH,
  LABEL_ARCH_BETA,
  LABEL_OS,
  LABEL_OS_BETA,
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);

/**
 * PL6, R4: whether an autoscaler that can add nodes of this architecture (`scaleFromZero`) can add a node that matches
 * the pod. This is impossible if the pod selects nodes by name or by labels that are not in {@link LABELS_OF_ANY_NODE},
 * and all existing nodes that match this selection have other architectures.
 */
export function canBeBrought(
  demand: SchedulingDemand,
  architecture: NodeArchitecture,
  nodes: readonly NodeFacts[],
): boolean {
  const bringable = bringableArchitectures(demand, nodes);
  return bringable === 'any' || bringable.has(architecture);
}

/** Returns all architectures for which {@link canBeBrought} is true, with a single search of the nodes. */
export function bringableArchitectures(
  demand: SchedulingDemand,
  nodes: readonly NodeFacts[],
): ReadonlySet<string> | 'any' {
  const own = getOwnSelection(demand);
  if (own === 'any' || !isSearchable(demand, nodes.length)) return 'any';
  const { requirements } = own;
  const matching = nodes.filter(
    (node) =>
      requirements.every((requirement) => satisfies(requirement, getLabel(node.labels, requirement.key))) &&
      matchesNode(own, node),
  );
  return matching.length === 0 ? 'any' : new Set(matching.map(({ architecture }) => architecture));
}

type OwnSelection = NodeConstraints & { readonly requirements: readonly NodeSelectorRequirement[] };

/**
 * Returns the pod's requirements except those on {@link LABELS_OF_ANY_NODE}; `'any'` if no requirement remains. Terms
 * are alternatives: if no requirement of one term remains, all terms are ignored.
 */
function getOwnSelection({
  nodeSelector,
  requiredAffinity,
  requirements = [],
}: SchedulingDemand): OwnSelection | 'any' {
  const labels = Object.fromEntries(Object.entries(nodeSelector).filter(([key]) => !LABELS_OF_ANY_NODE.has(key)));
  const further = requirements.filter(isOwn);
  const terms = requiredAffinity?.nodeSelectorTerms.filter((term) => !isEmptyTerm(term)).map(withOwnExpressions);
  const isOpen = terms === undefined || terms.some(isEmptyTerm);
  if (isOpen && further.length === 0 && isNone(labels)) return 'any';
  return {
    nodeSelector: labels,
    requirements: further,
    ...(!isOpen && { requiredAffinity: { nodeSelectorTerms: terms } }),
  };
}

function withOwnExpressions(term: NodeSelectorTerm): NodeSelectorTerm {
  return { ...term, matchExpressions: term.matchExpressions.filter(isOwn) };
}

function isOwn({ key }: NodeSelectorRequirement): boolean {
  return !LABELS_OF_ANY_NODE.has(key);
}

function isNone(labels: Labels): boolean {
  return Object.keys(labels).length === 0;
}
