import type { NodeFacts } from '../kubernetes/facts.ts';
import { hasArchitectureLabel } from '../kubernetes/node-labels.ts';
import { matchesNode } from '../requirement/evaluate.ts';
import type { NodeSelection } from './limits.ts';
import { isSearchable } from './limits.ts';

/**
 * Whether the pod's node selector and required terms match only nodes without the label `kubernetes.io/arch`, as virtual
 * kubelets have them, and at least one of these: a requirement of an architecture would leave the pod no node (PL5).
 * Most clusters have no such node; the others are then not searched.
 */
export function matchesOnlyUnlabelled(pod: NodeSelection, nodes: readonly NodeFacts[]): boolean {
  const unlabelled = unlabelledOf(nodes);
  if (unlabelled.length === 0 || !isSearchable(pod, nodes.length)) return false;
  if (!unlabelled.some((node) => matchesNode(pod, node))) return false;
  return !nodes.some((node) => hasArchitectureLabel(node) && matchesNode(pod, node));
}

/** The view of the nodes returns one array until something changes: it is filtered once. */
const known = new WeakMap<readonly NodeFacts[], readonly NodeFacts[]>();

function unlabelledOf(nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  const found = known.get(nodes) ?? nodes.filter((node) => !hasArchitectureLabel(node));
  known.set(nodes, found);
  return found;
}
