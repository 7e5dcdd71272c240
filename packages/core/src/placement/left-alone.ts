import { labelOf, textAt } from '../kubernetes/read.ts';
import { LABEL_SKIP, SKIP_VALUE } from '../policy/index.ts';
import { FIELD_NAME } from '../requirement/evaluate.ts';
import type { NodeSelectorTerm } from '../requirement/selector.ts';
import { appliedBare } from './applied-pod.ts';
import type { UntouchedReason } from './decision.ts';
import type { PlacementInput } from './input.ts';
import { isOversized } from '../pod/limits.ts';
import type { Subject } from './subject.ts';

/** `kubernetes.io/config.mirror` marks what the API server shows of a static pod; the source says where it came from. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
const SOURCE_API = 'api';

/** PL1: why the pod is none of our business; `undefined` when it is. */
export function leftAlone(subject: Subject, input: PlacementInput): UntouchedReason | undefined {
  if (input.operation !== 'CREATE') return 'NotCreated';
  if (textAt(subject.spec, 'nodeName') !== undefined) return 'NodeAssigned';
  const bound = boundToNode(subject);
  if (bound !== undefined) return bound;
  if (input.namespaceFacts === undefined) return 'NamespaceUnknown';
  if (isSkipped(subject, input)) return 'Skipped';
  if (input.policy === undefined) return 'NoPolicy';
  if (subject.images.length === 0) return 'NoImages';
  if (isRefusedOnSecondApply(subject)) return 'AppliedBarePod';
  return untouchable(subject);
}

function untouchable(subject: Subject): UntouchedReason | undefined {
  if (!subject.wellFormed) return 'Malformed';
  return isOversized(subject) ? 'Oversized' : undefined;
}

/** Pods whose node is not for the scheduler to choose. */
function boundToNode(subject: Subject): UntouchedReason | undefined {
  if (isStatic(subject)) return 'StaticPod';
  // Whatever group it is of: what is called DaemonSet covers nodes, and moving its pods uncovers one.
  if (subject.controller?.kind === 'DaemonSet') return 'DaemonSetPod';
  return isPinned(subject.terms) ? 'PinnedToNode' : undefined;
}

function isStatic({ annotations, controller }: Subject): boolean {
  const source = labelOf(annotations, SOURCE_ANNOTATION);
  return (
    labelOf(annotations, MIRROR_ANNOTATION) !== undefined ||
    (source !== undefined && source !== SOURCE_API) ||
    (controller?.kind === 'Node' && controller.apiVersion === 'v1')
  );
}

/** Terms are ORed: only when each of them names nodes is the pod pinned. */
function isPinned(terms: readonly NodeSelectorTerm[] | undefined): boolean {
  return terms !== undefined && terms.length > 0 && terms.every(namesNode);
}

function namesNode({ matchFields }: NodeSelectorTerm): boolean {
  return matchFields.some(({ key, operator }) => key === FIELD_NAME && operator === 'In');
}

function isSkipped({ labels }: Subject, { namespaceFacts }: PlacementInput): boolean {
  return labelOf(labels, LABEL_SKIP) === SKIP_VALUE || labelOf(namespaceFacts?.labels ?? {}, LABEL_SKIP) === SKIP_VALUE;
}

function isRefusedOnSecondApply(subject: Subject): boolean {
  const applied = appliedBare(subject);
  return applied !== undefined && (applied.required || applied.tolerations);
}
