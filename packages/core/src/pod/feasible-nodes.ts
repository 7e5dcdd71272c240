import type { Labels } from '../kubernetes/labels.ts';
import { isSchedulable } from '../kubernetes/facts.ts';
import type { NodeFacts, Toleration } from '../kubernetes/facts.ts';
import { hasArchitectureLabel, hasTrueArchitectureLabel } from '../kubernetes/node-labels.ts';
import { getLabel } from '../json/read.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import type { NodeSelector, NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import { untolerated } from '../requirement/tolerations.ts';
import { satisfies } from '../requirement/value-set.ts';
import type { Architectures } from './image-support.ts';
import { isSearchable } from './limits.ts';

/** What a pod asks of the scheduler. */
export interface SchedulingDemand {
  /** Absent: nodes of any operating system. */
  readonly os?: string;
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  /** Further requirements, ANDed to the pod's own. */
  readonly requirements?: readonly NodeSelectorRequirement[];
}

/**
 * The ready, schedulable nodes of these architectures that satisfy the demand and have no taint that it does not
 * tolerate (PL6, R4, R9). With `'any'` also those without an architecture label, where the demand matches them. None for a demand that takes too many steps to match with that many nodes: a pod is of a
 * tenant's choice. Resources and the pods on a node are not considered.
 */
export function feasibleNodes(
  demand: SchedulingDemand,
  nodes: readonly NodeFacts[],
  architectures: Architectures = 'any',
): readonly NodeFacts[] {
  const isAny = architectures === 'any';
  return candidates(demand, nodes, architectures).filter(
    (node) => (hasTrueArchitectureLabel(node) || (isAny && !hasArchitectureLabel(node))) && isFeasible(demand, node),
  );
}

/** Whether there is a feasible node of these architectures: one whose label names it. */
export function hasFeasibleNode(
  demand: SchedulingDemand,
  nodes: readonly NodeFacts[],
  architectures: Architectures,
): boolean {
  return candidates(demand, nodes, architectures).some(
    (node) => hasTrueArchitectureLabel(node) && isFeasible(demand, node),
  );
}

function candidates(
  demand: SchedulingDemand,
  nodes: readonly NodeFacts[],
  architectures: Architectures,
): readonly NodeFacts[] {
  const found =
    architectures === 'any'
      ? nodes
      : nodes.filter(({ architecture }) => architectures.some((one) => one === architecture));
  return isSearchable(demand, found.length) ? found : [];
}

function isFeasible(demand: SchedulingDemand, node: NodeFacts): boolean {
  const { os, tolerations, requirements = [] } = demand;
  return (
    isSchedulable(node) &&
    (os === undefined || node.os === os) &&
    untolerated(node, tolerations).length === 0 &&
    requirements.every((requirement) => satisfies(requirement, getLabel(node.labels, requirement.key))) &&
    matchesNode(demand, node)
  );
}
