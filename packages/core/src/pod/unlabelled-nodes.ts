import type { NodeFacts, Taint } from '../kubernetes/facts.ts';
import { hasArchitectureLabel } from '../kubernetes/node-labels.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import { untolerated } from '../requirement/tolerations.ts';
import type { NodeSelection } from './limits.ts';
import { isSearchable } from './limits.ts';

/** How nodes without the label `kubernetes.io/arch`, as virtual kubelets have them, serve the pod (PL5). */
export type UnlabelledNodes =
  /** None of them can take the pod. */
  | 'none'
  /** The pod's node selector and required terms match them and no node with the label. */
  | 'only'
  /** They match nodes with the label, too, and the pod tolerates the taints of one without it. */
  | 'also';

/**
 * Which of these holds for the pod as its owner wrote it. Most clusters have no node without the label; the others are then
 * not searched. Readiness does not count, and neither do the taints that stand for it.
 */
export function unlabelledNodesFor(pod: NodeSelection, nodes: readonly NodeFacts[]): UnlabelledNodes {
  const unlabelled = unlabelledOf(nodes);
  if (unlabelled.length === 0 || !isSearchable(pod, nodes.length)) return 'none';
  const matching = unlabelled.filter((node) => matchesNode(pod, node));
  if (matching.length === 0) return 'none';
  if (!nodes.some((node) => hasArchitectureLabel(node) && matchesNode(pod, node))) return 'only';
  return matching.some((node) => untolerated(node, pod.tolerations).every(isCondition)) ? 'also' : 'none';
}

/**
 * Whether the taint stands for a condition of the node, which may have changed when the pod is scheduled.
 *
 * @see https://kubernetes.io/docs/reference/labels-annotations-taints/ (`node.kubernetes.io/not-ready` and others)
 */
function isCondition({ key }: Taint): boolean {
  return key.startsWith('node.kubernetes.io/') || key.startsWith('node.cloudprovider.kubernetes.io/');
}

/** The view of the nodes returns one array until something changes: it is filtered once. */
const known = new WeakMap<readonly NodeFacts[], readonly NodeFacts[]>();

function unlabelledOf(nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  const found = known.get(nodes) ?? nodes.filter((node) => !hasArchitectureLabel(node));
  known.set(nodes, found);
  return found;
}
