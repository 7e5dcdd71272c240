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

/** What a pod requires of a node. */
export interface SchedulingDemand {
  /** The operating system of the node. Absent: any. */
  readonly os?: string;
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  /** Additional requirements, ANDed with those of the pod. */
  readonly requirements?: readonly NodeSelectorRequirement[];
}

/**
 * Returns the ready, schedulable nodes of these architectures that satisfy the demand and have only tolerated taints
 * (PL6, R4, R9). `'any'` includes nodes without an architecture label. Returns none if the search would take too many
 * steps, because tenants write pods and must not delay other requests. Free resources and other pods on a node are not
 * considered.
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

/** Whether a node with the label of one of these architectures is feasible. */
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
  const ofArchitecture =
    architectures === 'any'
      ? nodes
      : nodes.filter(({ architecture }) => architectures.some((one) => one === architecture));
  return isSearchable(demand, ofArchitecture.length) ? ofArchitecture : [];
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
