import { textAt } from '../json/read.ts';
import { isOversized } from '../pod/limits.ts';
import { nodeBound } from '../pod/node-bound.ts';
import { isSkipped } from '../pod/skip.ts';
import { FIELD_NAME } from '../requirement/evaluate.ts';
import type { NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import type { UntouchedReason } from './decision.ts';
import type { PlacementInput } from './input.ts';
import type { PodView } from './pod-view.ts';

/** PL1: returns the reason why the pod is exempt; `undefined` if it must be decided. */
export function findExemption(view: PodView, input: PlacementInput): UntouchedReason | undefined {
  // PL1: The request does not create a pod. The affinity of an existing pod is immutable.
  if (input.operation !== 'CREATE') return 'NotCreated';
  // PL1: The pod already has a node.
  if (textAt(view.spec, 'nodeName') !== undefined) return 'NodeAssigned';
  // PL1: Static and mirror pods, and pods of a DaemonSet, belong to one node.
  const bound = nodeBound(view);
  if (bound !== undefined) return bound;
  // PL1: Each required term names its nodes by `metadata.name`.
  if (isPinned(view)) return 'PinnedToNode';
  // PL1: The namespace is unknown even after one GET, so its policy and skip label are unknown.
  if (input.namespaceFacts === undefined) return 'NamespaceUnknown';
  // PL1: The pod or its namespace has the skip label.
  if (isSkipped(view.labels, input.namespaceFacts)) return 'Skipped';
  // PL1: No policy matches the pod.
  if (input.policy === undefined) return 'NoPolicy';
  // PL1: The pod has no image.
  if (view.images.length === 0) return 'NoImages';
  // P1: The pod does not have the API's shape, or is too large to be decided in time.
  return untouchable(view);
}

function untouchable(view: PodView): UntouchedReason | undefined {
  if (!view.wellFormed) return 'Malformed';
  return isOversized(view) ? 'Oversized' : undefined;
}

/** Whether the pod is pinned to nodes. Terms are ORed, so each of them must name nodes. */
function isPinned({ requiredAffinity }: PodView): boolean {
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  return terms.length > 0 && terms.every(namesNode);
}

function namesNode({ matchFields }: NodeSelectorTerm): boolean {
  return matchFields.some(({ key, operator }) => key === FIELD_NAME && operator === 'In');
}
