import { textAt } from '../kubernetes/read.ts';
import { isOversized } from '../pod/limits.ts';
import { nodeBound } from '../pod/node-bound.ts';
import { isSkipped } from '../pod/skip.ts';
import { FIELD_NAME } from '../requirement/evaluate.ts';
import type { NodeSelectorTerm } from '../requirement/selector.ts';
import { appliedBare } from './applied-pod.ts';
import type { UntouchedReason } from './decision.ts';
import type { PlacementInput } from './input.ts';
import type { Subject } from './subject.ts';

/** PL1: why the pod is none of our business; `undefined` when it is. */
export function leftAlone(subject: Subject, input: PlacementInput): UntouchedReason | undefined {
  if (input.operation !== 'CREATE') return 'NotCreated';
  if (textAt(subject.spec, 'nodeName') !== undefined) return 'NodeAssigned';
  const bound = nodeBound(subject);
  if (bound !== undefined) return bound;
  if (isPinned(subject)) return 'PinnedToNode';
  if (input.namespaceFacts === undefined) return 'NamespaceUnknown';
  if (isSkipped(subject.labels, input.namespaceFacts)) return 'Skipped';
  if (input.policy === undefined) return 'NoPolicy';
  if (subject.images.length === 0) return 'NoImages';
  if (isRefusedOnSecondApply(subject)) return 'AppliedBarePod';
  return untouchable(subject);
}

function untouchable(subject: Subject): UntouchedReason | undefined {
  if (!subject.wellFormed) return 'Malformed';
  return isOversized(subject) ? 'Oversized' : undefined;
}

/** Terms are ORed: only when each of them names nodes is the pod pinned. */
function isPinned({ requiredAffinity }: Subject): boolean {
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  return terms.length > 0 && terms.every(namesNode);
}

function namesNode({ matchFields }: NodeSelectorTerm): boolean {
  return matchFields.some(({ key, operator }) => key === FIELD_NAME && operator === 'In');
}

function isRefusedOnSecondApply(subject: Subject): boolean {
  const applied = appliedBare(subject);
  return applied !== undefined && (applied.required || applied.tolerations);
}
