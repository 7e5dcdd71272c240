import { textAt } from '../json/read.ts';
import { isOversized } from '../pod/limits.ts';
import { nodeBound } from '../pod/node-bound.ts';
import { isSkipped } from '../pod/skip.ts';
import { FIELD_NAME } from '../requirement/evaluate.ts';
import type { NodeSelectorTerm } from '../kubernetes/node-selector.ts';
import { appliedBare } from './applied-pod.ts';
import type { UntouchedReason } from './decision.ts';
import type { PlacementInput } from './input.ts';
import type { PodView } from './pod-view.ts';

/** PL1: the reason why the pod is left alone; `undefined` for a pod that is decided about. */
export function findExemption(view: PodView, input: PlacementInput): UntouchedReason | undefined {
  if (input.operation !== 'CREATE') return 'NotCreated';
  if (textAt(view.spec, 'nodeName') !== undefined) return 'NodeAssigned';
  const bound = nodeBound(view);
  if (bound !== undefined) return bound;
  if (isPinned(view)) return 'PinnedToNode';
  if (input.namespaceFacts === undefined) return 'NamespaceUnknown';
  if (isSkipped(view.labels, input.namespaceFacts)) return 'Skipped';
  if (input.policy === undefined) return 'NoPolicy';
  if (view.images.length === 0) return 'NoImages';
  if (isRefusedOnSecondApply(view)) return 'AppliedBarePod';
  return untouchable(view);
}

function untouchable(view: PodView): UntouchedReason | undefined {
  if (!view.wellFormed) return 'Malformed';
  return isOversized(view) ? 'Oversized' : undefined;
}

/** Terms are ORed: only when each of them names nodes is the pod pinned. */
function isPinned({ requiredAffinity }: PodView): boolean {
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  return terms.length > 0 && terms.every(namesNode);
}

function namesNode({ matchFields }: NodeSelectorTerm): boolean {
  return matchFields.some(({ key, operator }) => key === FIELD_NAME && operator === 'In');
}

function isRefusedOnSecondApply(view: PodView): boolean {
  const applied = appliedBare(view);
  return applied !== undefined && (applied.required || applied.tolerations);
}
