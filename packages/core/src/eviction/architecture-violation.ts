import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { hasTrueArchitectureLabel } from '../kubernetes/node-labels.ts';
import { allowedByOwner } from '../placement/node-constraints.ts';
import { isNodeArchitecture } from '../platform/supported.ts';

/**
 * Whether the pod's own node selector and required terms exclude the architecture of this node (R7). Only that label is compared:
 * other labels can change while the pod is being bound. False for a node whose label and `nodeInfo` differ.
 */
export function violatesArchitectureTerms(
  pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
  node: Pick<NodeFacts, 'architecture' | 'labels'>,
): boolean {
  const { architecture } = node;
  if (!isNodeArchitecture(architecture) || !hasTrueArchitectureLabel(node)) return false;
  return allowedByOwner(pod, [architecture]).length === 0;
}
