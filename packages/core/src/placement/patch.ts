import { ANNOTATION_DECISION } from '../kubernetes/archpolicy-keys.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { Addition } from './additions.ts';
import { additionsFor } from './additions.ts';
import { formatDecision, saysTheSame } from './annotation.ts';
import type { Verdict } from './decide.ts';
import type { Constrain, Gate } from './decision.ts';
import { isUntouched } from './decision.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { jsonEqual, pointer } from './json-patch.ts';
import type { SelfCheckProblem } from './self-check.ts';
import { selfCheck } from './self-check.ts';
import type { PodView } from './pod-view.ts';
import type { Reverted } from './revert.ts';

/** The pod without what we once added, and the annotation that said so. */
export interface Original extends Reverted {
  readonly annotation: string | undefined;
}

export type PlacementPatch =
  | { readonly kind: 'patch'; readonly patch: readonly JsonPatchOperation[] }
  | { readonly kind: 'failed'; readonly problem: SelfCheckProblem };

const UNCHANGED: PlacementPatch = { kind: 'patch', patch: [] };
const ANNOTATIONS = '/metadata/annotations';
const ANNOTATION = ANNOTATIONS + pointer(ANNOTATION_DECISION);

/** The smallest patch that makes the received pod what was decided, checked against that pod. */
export function placementPatch(
  received: JsonObject,
  original: Original,
  view: PodView,
  { decision, knowledge }: Verdict,
): PlacementPatch {
  if (decision.kind === 'deny' || isUntouched(decision)) return UNCHANGED;
  if (decision.kind === 'leave') return { kind: 'patch', patch: withdrawal(original) };
  const added = additionsFor(view, decision);
  const changes = difference(original.removed, added);
  const annotation = formatDecision(decision, knowledge, added, view.requiredAffinity?.nodeSelectorTerms.length ?? 1);
  return checked(received, changes, annotate(received, original.annotation, annotation, changes), decision);
}

/** Without room for our annotation the pod gets the rest. */
function checked(
  received: JsonObject,
  changes: readonly JsonPatchOperation[],
  annotating: readonly JsonPatchOperation[],
  decision: Constrain | Gate,
): PlacementPatch {
  const patch = [...changes, ...annotating];
  if (patch.length === 0) return UNCHANGED;
  const check = selfCheck(received, patch, decision);
  if (check.kind === 'passed') return { kind: 'patch', patch };
  // All else is in order. Where the pod's own annotations are too large, the API server will say so whatever we do.
  return check.problem === 'AnnotationsTooLarge' ? { kind: 'patch', patch: changes } : check;
}

/** What we once added goes, and our annotation with it. One that recorded nothing that is still there may stay. */
function withdrawal({ removed }: Original): readonly JsonPatchOperation[] {
  if (removed.length === 0) return [];
  return [...removed.map(removal), { op: 'remove', path: ANNOTATION }];
}

/**
 * What is added again exactly where it was removed is neither. Removals run backwards and additions forwards, so that
 * what cancels meets in the middle, and the rest still finds the positions that it expects.
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
    const stands = before === after || (changes.length === 0 && saysTheSame(before, after));
    return stands ? [] : [{ op: 'replace', path: ANNOTATION, value: after }];
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
