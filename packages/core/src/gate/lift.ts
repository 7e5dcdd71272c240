import type { Inspection } from '../inspection/inspection.ts';
import type { JsonObject } from '../json/json.ts';
import { objectAt, textAt } from '../json/read.ts';
import type { Addition } from '../placement/additions.ts';
import { additionsFor } from '../placement/additions.ts';
import type { Constrain, PlacementDecision } from '../placement/decision.ts';
import { contradictsTogether } from '../placement/node-constraints.ts';
import type { JsonPatchOperation } from '../placement/json-patch.ts';
import { jsonEqual, pointer } from '../placement/json-patch.ts';
import type { PodView } from '../placement/pod-view.ts';
import { readPodView } from '../placement/pod-view.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import { findGateIndex } from '../pod/gate.ts';
import { recordingOperations } from './record.ts';

const VERSION = '/metadata/resourceVersion';

/**
 * How much of a decision a patch contains. `full`: everything; `requirements`: what the images require, without
 * preference, tolerations and annotation; `gate`: only the removal of the gate.
 */
export const PATCH_LEVELS = ['full', 'requirements', 'gate'] as const;
export type PatchLevel = (typeof PATCH_LEVELS)[number];

/** One patch that removes the gate. */
export interface LiftPatch {
  readonly level: PatchLevel;
  readonly operations: readonly JsonPatchOperation[];
}

/** The patches in the order in which they are tried. The last one removes only the gate. */
export interface PatchFallbacks {
  readonly patches: readonly LiftPatch[];
  /**
   * The decision's requirements contradict requirements that the pod already has, for example because a tag moved after
   * admission. The API server does not allow the removal of the pod's requirements, and no node would match both the
   * old and the new requirements. So nothing is added.
   */
  readonly contradicted: boolean;
}

/** The input of the patches that lift a gate. */
export interface Lifting {
  /** As read from the API server. */
  readonly pod: JsonObject;
  readonly decision: PlacementDecision;
  /** The decision without tolerations and preference (`decideGate`). */
  readonly withoutTolerations: PlacementDecision;
  /** The policy of the decision, for the annotation. */
  readonly policy: ArchPolicy | undefined;
  readonly images: ReadonlyMap<string, Inspection>;
}

/**
 * PL12: returns the patches that lift the gate of a pod; undefined if the pod has no gate or no `resourceVersion`.
 *
 * On a gated pod the API server allows two changes of required node affinity: appending expressions to terms that are
 * not empty, and setting the affinity if the pod has no required node affinity. So the patches remove nothing from the
 * terms, and append only expressions that the terms do not imply yet.
 *
 * @see
 *   https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/#mutable-pod-scheduling-directives
 *   and
 *   https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go
 *   (`validateNodeAffinityMutation`)
 */
export function patchFallbacks(lifting: Lifting): PatchFallbacks | undefined {
  const { pod, decision, withoutTolerations } = lifting;
  const gate = removeGate(pod);
  if (gate === undefined) return undefined;
  const view = readPodView(pod);
  const contradicted = decision.kind === 'constrain' && contradictsPod(view, decision);
  const wanted = decision.kind === 'constrain' && !contradicted ? decision : undefined;
  const additions = wanted === undefined ? [] : additionsFor(view, wanted);
  const full = [...additions.map(toOperation), ...recordingOperations({ ...lifting, wanted, additions })];
  const required = wanted === undefined ? [] : requirementsOnly(view, withoutTolerations);
  const patches: LiftPatch[] = [];
  if (!isSame(full, required)) patches.push({ level: 'full', operations: [...gate, ...full] });
  if (required.length > 0) patches.push({ level: 'requirements', operations: [...gate, ...required] });
  patches.push({ level: 'gate', operations: gate });
  return { patches, contradicted };
}

/**
 * Returns the patch that removes only the gate. It is for a pod whose decision failed, because such a failure must not
 * keep the pod gated.
 */
export function gateOnly(pod: JsonObject): PatchFallbacks | undefined {
  const operations = removeGate(pod);
  return operations === undefined ? undefined : { patches: [{ level: 'gate', operations }], contradicted: false };
}

/** Whether both patches are equal except for the required `resourceVersion`. */
export function isSamePatch(one: LiftPatch, other: LiftPatch): boolean {
  return one.level === other.level && isSame(withoutLock(one), withoutLock(other));
}

function withoutLock({ operations }: LiftPatch): readonly JsonPatchOperation[] {
  return operations.filter(({ path }) => path !== VERSION);
}

function contradictsPod(view: PodView, { requirements }: Constrain): boolean {
  return contradictsTogether(view, requirements);
}

function requirementsOnly(view: PodView, decision: PlacementDecision): readonly JsonPatchOperation[] {
  if (decision.kind !== 'constrain' || contradictsPod(view, decision)) return [];
  return additionsFor(view, { ...decision, preferred: [], tolerated: [] }).map(toOperation);
}

/** Returns the operations that require the pod's `resourceVersion` and remove the gate from the list of gates. */
function removeGate(pod: JsonObject): readonly JsonPatchOperation[] | undefined {
  const index = findGateIndex(objectAt(pod, 'spec'));
  const version = textAt(objectAt(pod, 'metadata'), 'resourceVersion');
  if (index === undefined || version === undefined) return undefined;
  const path = pointer('spec', 'schedulingGates', index);
  return [
    { op: 'replace', path: VERSION, value: version },
    { op: 'test', path: `${path}/name`, value: GATE_INSPECTING },
    { op: 'remove', path },
  ];
}

function isSame(one: readonly JsonPatchOperation[], other: readonly JsonPatchOperation[]): boolean {
  return one.length === other.length && jsonEqual([...one], [...other]);
}

function toOperation({ path, value }: Addition): JsonPatchOperation {
  return { op: 'add', path, value };
}
