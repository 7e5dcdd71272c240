import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { Addition } from './additions.ts';
import { additionsFor } from './additions.ts';
import { formatDecision, equalExceptSources } from './annotation.ts';
import type { EvaluatedPlacement } from './decide.ts';
import type { Constrain, Gate } from './decision.ts';
import { isUntouched } from './decision.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { jsonEqual, pointer } from './json-patch.ts';
import type { SelfCheckProblem } from './self-check.ts';
import { selfCheck } from './self-check.ts';
import type { PodView } from './pod-view.ts';
import type { Reverted } from './revert.ts';

/** The pod without the additions of earlier calls, and the annotation that recorded them. */
export interface Original extends Reverted {
  readonly annotation: string | undefined;
}

export type PlacementPatch =
  | { readonly kind: 'patch'; readonly patch: readonly JsonPatchOperation[] }
  | { readonly kind: 'failed'; readonly problem: SelfCheckProblem };

const UNCHANGED: PlacementPatch = { kind: 'patch', patch: [] };
const ANNOTATIONS = '/metadata/annotations';
const ANNOTATION = ANNOTATIONS + pointer(ANNOTATION_DECISION);

/** Returns the smallest patch that applies the decision to the received pod. The patch is checked on this pod first. */
export function placementPatch(
  received: JsonObject,
  original: Original,
  view: PodView,
  { decision, knowledge }: EvaluatedPlacement,
): PlacementPatch {
  if (decision.kind === 'deny' || isUntouched(decision)) return UNCHANGED;
  if (decision.kind === 'leave') return { kind: 'patch', patch: removeAdditions(original) };
  const added = additionsFor(view, decision);
  const changes = difference(original.removed, added);
  const annotation = formatDecision(decision, knowledge, added, view.requiredAffinity?.nodeSelectorTerms.length ?? 1);
  return checkPatch(received, changes, annotate(received, original.annotation, annotation, changes), decision);
}

/** Checks the patch. If only the annotation does not fit, returns the other changes. */
function checkPatch(
  received: JsonObject,
  changes: readonly JsonPatchOperation[],
  annotating: readonly JsonPatchOperation[],
  decision: Constrain | Gate,
): PlacementPatch {
  const patch = [...changes, ...annotating];
  if (patch.length === 0) return UNCHANGED;
  const check = selfCheck(received, patch, decision);
  if (check.kind === 'passed') return { kind: 'patch', patch };
  // The other changes are valid. If the pod's own annotations are too large, the API server rejects the pod anyway.
  return check.problem === 'AnnotationsTooLarge' ? { kind: 'patch', patch: changes } : check;
}

/**
 * Removes the additions of earlier calls and the annotation. If the pod contains none of the additions, the annotation
 * stays.
 */
function removeAdditions({ removed }: Original): readonly JsonPatchOperation[] {
  if (removed.length === 0) return [];
  return [...removed.map(removal), { op: 'remove', path: ANNOTATION }];
}

/**
 * Returns the removals and then the additions, without pairs that cancel each other: the removal and the addition of
 * equal values at the same path. Values are removed in the reverse order of their addition. So the last removal is
 * compared with the first addition, the second to last removal with the second addition, and so on until a pair
 * differs. The positions in the remaining operations stay correct.
 */
function difference(removed: readonly Addition[], added: readonly Addition[]): readonly JsonPatchOperation[] {
  let same = 0;
  while (same < added.length && isSame(removed[removed.length - 1 - same], added[same])) same += 1;
  return [...removed.slice(0, removed.length - same).map(removal), ...added.slice(same).map(addition)];
}

function annotate(
  received: JsonObject,
  before: string | undefined,
  after: string,
  changes: readonly JsonPatchOperation[],
): readonly JsonPatchOperation[] {
  if (before !== undefined) {
    const isCurrent = before === after || (changes.length === 0 && equalExceptSources(before, after));
    return isCurrent ? [] : [{ op: 'replace', path: ANNOTATION, value: after }];
  }
  const metadata = received['metadata'];
  const annotated = isJsonObject(metadata) && isJsonObject(metadata['annotations']);
  return annotated
    ? [{ op: 'add', path: ANNOTATION, value: after }]
    : [{ op: 'add', path: ANNOTATIONS, value: { [ANNOTATION_DECISION]: after } }];
}

function removal({ path }: Addition): JsonPatchOperation {
  return { op: 'remove', path };
}

function addition({ path, value }: Addition): JsonPatchOperation {
  return { op: 'add', path, value };
}

function isSame(one: Addition | undefined, other: Addition | undefined): boolean {
  return one !== undefined && one.path === other?.path && jsonEqual(one.value, other.value);
}
