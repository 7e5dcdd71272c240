import type { NodeFacts, Taint } from '../kubernetes/facts.ts';
import { hasArchitectureLabel } from '../kubernetes/node-labels.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import { untolerated } from '../requirement/tolerations.ts';
import type { NodeSelection } from './limits.ts';
import { isSearchable } from './limits.ts';

/** Whether nodes without the label `kubernetes.io/arch`, such as virtual kubelets, can take the pod (PL5). */
export type UnlabelledNodes =
  /** No such node can take the pod. */
  | 'none'
  /** The pod's node selector and required terms match only such nodes. */
  | 'only'
  /**
   * The pod's node selector and required terms match nodes with and without the label, and the pod tolerates the taints
   * of a matching node without the label.
   */
  | 'also';

/**
 * Returns whether nodes without the label can take a pod as its owner wrote it. If the cluster has no such node, as is
 * usual, the other nodes are not searched. Ignores the readiness of nodes and the taints that represent it.
 */
export function unlabelledNodesFor(pod: NodeSelection, nodes: readonly NodeFacts[]): UnlabelledNodes {
  const unlabelled = getUnlabelledNodes(nodes);
  if (unlabelled.length === 0 || !isSearchable(pod, nodes.length)) return 'none';
  const matching = unlabelled.filter((node) => matchesNode(pod, node));
  if (matching.length === 0) return 'none';
  if (!nodes.some((node) => hasArchitectureLabel(node) && matchesNode(pod, node))) return 'only';
  return matching.some((node) => untolerated(node, pod.tolerations).every(isCondition)) ? 'also' : 'none';
}

/**
 * Whether the taint represents a condition of the node, which may change before the pod is scheduled.
 *
 * @see https://kubernetes.io/docs/reference/labels-annotations-taints/ (`node.kubernetes.io/not-ready` and others)
 */
function isCondition({ key }: Taint): boolean {
  return key.startsWith('node.kubernetes.io/') || key.startsWith('node.cloudprovider.kubernetes.io/');
}

/** The node view returns the same array until a node changes, so each array is filtered once. */
const cached = new WeakMap<readonly NodeFacts[], readonly NodeFacts[]>();

function getUnlabelledNodes(nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  const found = cached.get(nodes) ?? nodes.filter((node) => !hasArchitectureLabel(node));
  cached.set(nodes, found);
  return found;
}
