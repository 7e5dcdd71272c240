import { isSchedulable } from '../kubernetes/facts.ts';
import type { NodeFacts, Toleration } from '../kubernetes/facts.ts';
import { labelOf } from '../kubernetes/read.ts';
import type { NodeArchitecture } from '../platform/supported.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import type { NodeSelectorRequirement } from '../requirement/selector.ts';
import { satisfies } from '../requirement/value-set.ts';
import { untolerated } from '../requirement/tolerations.ts';
import { LABEL_ARCH } from './demand.ts';
import { isSearchable } from '../pod/limits.ts';
import type { Subject } from './subject.ts';

/** PL6: what could keep a pod off every node of an architecture, as far as it can be foreseen. */
export interface SchedulingDemand {
  readonly subject: Subject;
  /** Further requirements that will be ANDed to the pod's own. */
  readonly requirements: readonly NodeSelectorRequirement[];
  /** The pod's own and those that will be added. */
  readonly tolerations: readonly Toleration[];
}

/**
 * Whether a ready, schedulable node of this architecture satisfies the pod's node selector and required terms and has
 * no taint that the pod does not tolerate. A node whose label and report differ is not known for what it is.
 */
export function canTake(
  { subject, requirements, tolerations }: SchedulingDemand,
  architecture: NodeArchitecture,
  nodes: readonly NodeFacts[],
): boolean {
  const demand = {
    nodeSelector: subject.nodeSelector,
    requiredAffinity: subject.terms === undefined ? undefined : { nodeSelectorTerms: subject.terms },
  };
  if (!isSearchable(subject, nodes.length)) return false;
  return nodes.some(
    (node) =>
      isSchedulable(node) &&
      node.architecture === architecture &&
      node.os === subject.os &&
      labelOf(node.labels, LABEL_ARCH) === architecture &&
      untolerated(node, tolerations).length === 0 &&
      requirements.every((requirement) => satisfies(requirement, labelOf(node.labels, requirement.key))) &&
      matchesNode(demand, node),
  );
}
