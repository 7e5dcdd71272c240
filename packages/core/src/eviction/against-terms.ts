import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { labelOf } from '../kubernetes/read.ts';
import { LABEL_ARCH, ownerAllows } from '../placement/demand.ts';
import { isNodeArchitecture } from '../platform/supported.ts';

/**
 * Whether the pod's own node selector and required terms exclude the architecture of this node (R7). Only that label:
 * others can change in the moment of the binding, and this one cannot. A node whose label and report differ says nothing.
 */
export function isAgainstTerms(
  { nodeSelector, requiredAffinity }: Pick<PodFacts, 'nodeSelector' | 'requiredAffinity'>,
  { architecture, labels }: Pick<NodeFacts, 'architecture' | 'labels'>,
): boolean {
  if (!isNodeArchitecture(architecture) || labelOf(labels, LABEL_ARCH) !== architecture) return false;
  const demand = {
    nodeSelector,
    ...(requiredAffinity !== undefined && { terms: requiredAffinity.nodeSelectorTerms }),
  };
  return ownerAllows(demand, [architecture]).length === 0;
}
