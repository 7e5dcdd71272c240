import { matchesNode, untolerated } from '@archpolicy/core';
import type { ArchPolicy, NodeArchitecture, NodeFacts, NodeSelector, PodFacts } from '@archpolicy/core';
import { ownTerms } from './own-choice.ts';

/** The taint that some clusters put on nodes by architecture; the webhook adds the toleration where the policy says so. */
const ARCHITECTURE_TAINT = 'kubernetes.io/arch';
/** Steps of looking for a node, about 20 ms: a pod is of a tenant's choice, and one that needs more finds none. */
const MAX_SEARCH_STEPS = 1_000_000;

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
  const candidates = nodes.filter((node) => isFor(node, pod, architectures));
  if (!isSearchable(pod, candidates)) return false;
  // What we once added is decided afresh for the replacement: it must not count as the owner's choice.
  const demand = { nodeSelector: pod.nodeSelector, requiredAffinity: ownTerms(pod) };
  return candidates.some((node) => tolerates(pod, node, policy) && matchesNode(demand, node));
}

function isFor(node: NodeFacts, pod: PodFacts, architectures: readonly NodeArchitecture[]): boolean {
  return (
    node.schedulable &&
    node.os === pod.os &&
    node.labels['kubernetes.io/arch'] === node.architecture &&
    architectures.some((architecture) => architecture === node.architecture)
  );
}

function tolerates(pod: PodFacts, node: NodeFacts, policy: ArchPolicy): boolean {
  return untolerated(node, pod.tolerations).every(
    ({ key }) => policy.spec.tolerateArchitectureTaints && key === ARCHITECTURE_TAINT,
  );
}

function isSearchable({ nodeSelector, requiredAffinity, tolerations }: PodFacts, nodes: readonly NodeFacts[]): boolean {
  const perNode = 1 + Object.keys(nodeSelector).length + sizeOf(requiredAffinity);
  let steps = 0;
  for (const { taints } of nodes) steps += perNode + taints.length * tolerations.length;
  return steps <= MAX_SEARCH_STEPS;
}

function sizeOf(selector: NodeSelector | undefined): number {
  let size = 0;
  for (const { matchExpressions, matchFields } of selector?.nodeSelectorTerms ?? []) {
    for (const { values } of matchExpressions) size += 1 + values.length;
    for (const { values } of matchFields) size += 1 + values.length;
  }
  return size;
}
