import type { Inspection } from '../inspection/inspection.ts';
import { readPodAnnotations } from '../kubernetes/annotations.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { objectAt } from '../json/read.ts';
import type { Addition } from '../placement/additions.ts';
import type { DecisionRecord } from '../placement/annotation.ts';
import { formatDecision, readDecision } from '../placement/annotation.ts';
import type { Constrain, PlacementDecision } from '../placement/decision.ts';
import type { JsonPatchOperation } from '../placement/json-patch.ts';
import { pointer } from '../placement/json-patch.ts';
import { readPodView } from '../placement/pod-view.ts';
import { revert } from '../placement/revert.ts';
import { imageKnowledge } from '../pod/image-knowledge.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import { withoutUndefined } from '../without-undefined.ts';

/** The input of the decision annotation. */
export interface Recording {
  readonly pod: JsonObject;
  readonly decision: PlacementDecision;
  /** The decision that the patch applies. Undefined if the patch adds no constraint. */
  readonly wanted: Constrain | undefined;
  /** The additions of the patch. */
  readonly additions: readonly Addition[];
  readonly policy: ArchPolicy | undefined;
  readonly images: ReadonlyMap<string, Inspection>;
}

const GATES = '/spec/schedulingGates';
const PATH = pointer('metadata', 'annotations', ANNOTATION_DECISION);

/**
 * Returns the operations that update the decision annotation. The new annotation lists the additions of admission that
 * are still in the pod, except the gate, and the additions of this patch. A pod without additions has no annotation.
 */
export function recordingOperations({
  pod,
  decision,
  wanted,
  additions,
  policy,
  images,
}: Recording): readonly JsonPatchOperation[] {
  const annotations = readPodAnnotations(pod);
  const before = annotations[ANNOTATION_DECISION];
  const record = readDecision(annotations);
  const added = [...(record === undefined ? [] : remainingAdditions(pod, record, policy)), ...additions];
  if (added.length === 0 && wanted === undefined) return before === undefined ? [] : [{ op: 'remove', path: PATH }];
  const view = readPodView(pod);
  const knowledge = policy === undefined ? [] : imageKnowledge(view, images, policy.spec);
  const recorded = wanted ?? partlyKnown(decision, record);
  const value = formatDecision(recorded, knowledge, added, view.requiredAffinity?.nodeSelectorTerms.length ?? 1);
  return value === before ? [] : setAnnotation(pod, value);
}

function remainingAdditions(
  pod: JsonObject,
  record: DecisionRecord,
  policy: ArchPolicy | undefined,
): readonly Addition[] {
  const { removed } = revert(pod, record, policy?.spec.copyLabelsToNodeAffinity ?? []);
  return removed.toReversed().filter(({ path }) => path !== GATES && !path.startsWith(`${GATES}/`));
}

/** Returns the decision to record if the patch adds nothing, but additions of admission are still in the pod. */
function partlyKnown({ policy, image, unresolved }: PlacementDecision, record: DecisionRecord | undefined): Constrain {
  return withoutUndefined({
    kind: 'constrain',
    reason: 'PartlyKnown',
    policy: policy ?? record?.policy,
    image,
    unresolved,
    warnings: [],
    architectures: record?.architectures ?? [],
    requirements: [],
    preferred: [],
    tolerated: [],
  });
}

function setAnnotation(pod: JsonObject, value: string): readonly JsonPatchOperation[] {
  if (isJsonObject(objectAt(pod, 'metadata')['annotations'])) return [{ op: 'add', path: PATH, value }];
  return [{ op: 'add', path: '/metadata/annotations', value: { [ANNOTATION_DECISION]: value } }];
}
