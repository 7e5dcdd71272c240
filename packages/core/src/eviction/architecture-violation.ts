import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { hasTrueArchitectureLabel } from '../kubernetes/node-labels.ts';
import { allowedByOwner } from '../placement/node-constraints.ts';
import { isNodeArchitecture } from '../platform/supported.ts';

/**
 * R7: returns whether the pod's own node selector and required terms exclude the architecture of this node. Compares
 * only the architecture label, because other labels can change while the pod is being bound. Returns false for a node
 * whose architecture label and `nodeInfo` differ, because neither value is used then.
 */
export function violatesArchitectureTerms(
  pod: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
  node: Pick<NodeFacts, 'architecture' | 'labels'>,
): boolean {
  const { architecture } = node;
  if (!isNodeArchitecture(architecture) || !hasTrueArchitectureLabel(node)) return false;
  return allowedByOwner(pod, [architecture]).length === 0;
}
