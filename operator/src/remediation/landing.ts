import { ANNOTATION_DECISION, matchesNode, untolerated } from '@archpolicy/core';
import type { ArchPolicy, NodeArchitecture, NodeFacts, PodFacts } from '@archpolicy/core';

/** The taint that some clusters put on nodes by architecture; the webhook adds the toleration where the policy says so. */
const ARCHITECTURE_TAINT = 'kubernetes.io/arch';

/**
 * R4, as far as it can be told without deciding the placement again: whether a ready, schedulable node of one of these
 * architectures satisfies the pod's own selectors and terms and has no taint that the pod does not tolerate.
 */
export function canLandOn(
  pod: PodFacts,
  policy: ArchPolicy,
  architectures: readonly NodeArchitecture[],
  nodes: readonly NodeFacts[],
): boolean {
  return nodes.some((node) => isFor(node, pod, architectures) && accepts(node, pod, policy));
}

function isFor(node: NodeFacts, pod: PodFacts, architectures: readonly NodeArchitecture[]): boolean {
  return (
    node.schedulable &&
    node.os === pod.os &&
    node.labels['kubernetes.io/arch'] === node.architecture &&
    architectures.some((architecture) => architecture === node.architecture)
  );
}

function accepts(node: NodeFacts, pod: PodFacts, policy: ArchPolicy): boolean {
  const inTheWay = untolerated(node, pod.tolerations).filter(
    ({ key }) => !(policy.spec.tolerateArchitectureTaints && key === ARCHITECTURE_TAINT),
  );
  if (inTheWay.length > 0) return false;
  // What we once added is decided afresh for the replacement: it must not count as the owner's choice.
  return pod.annotations[ANNOTATION_DECISION] !== undefined || matchesNode(pod, node);
}
