import type { Inspection } from '../inspection/inspection.ts';
import type { JsonObject } from '../json/json.ts';
import { objectAt, textAt } from '../json/read.ts';
import type { Addition } from '../placement/additions.ts';
import { additionsFor } from '../placement/additions.ts';
import type { Constrain, PlacementDecision } from '../placement/decision.ts';
import { contradictTogether } from '../placement/node-constraints.ts';
import type { JsonPatchOperation } from '../placement/json-patch.ts';
import { jsonEqual, pointer } from '../placement/json-patch.ts';
import type { PodView } from '../placement/pod-view.ts';
import { readPodView } from '../placement/pod-view.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import { ourGateIndex } from '../pod/gate.ts';
import { recordingOperations } from './record.ts';

const VERSION = '/metadata/resourceVersion';

/**
 * The parts of a decision in a patch. `full`: all; `requirements`: the images' requirements, without preference, tolerations and
 * annotation; `gate`: only the removal of the gate.
 */
export const PATCH_LEVELS = ['full', 'requirements', 'gate'] as const;
export type PatchLevel = (typeof PATCH_LEVELS)[number];

/** A patch that removes the gate, with further operations. */
export interface LiftPatch {
  readonly level: PatchLevel;
  readonly operations: readonly JsonPatchOperation[];
}

/** The patches to try, the best first. The last one only removes the gate. */
export interface PatchFallbacks {
  readonly patches: readonly LiftPatch[];
  /**
   * The decision's requirements contradict the pod's own, which cannot be removed (a tag that moved since admission). Nothing is
   * added, because the pod must run.
   */
  readonly contradicted: boolean;
}

/** The input of the patches for a pod. */
export interface Lifting {
  /** As read from the API server. */
  readonly pod: JsonObject;
  readonly decision: PlacementDecision;
  /** The decision without tolerations and preference (`decideGate`). */
  readonly withoutTolerations: PlacementDecision;
  /** The policy and images for the annotation. */
  readonly policy: ArchPolicy | undefined;
  readonly images: ReadonlyMap<string, Inspection>;
}

/**
 * PL12: returns the patches that lift the gate of a pod; undefined if it has no gate, or no version to lock on.
 *
 * On a gated pod the API server only allows appending expressions to non-empty terms, or setting an absent required affinity.
 * So existing requirements are kept, and only expressions that the terms do not imply are appended.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/#mutable-pod-scheduling-directives and
 *   https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go (`validateNodeAffinityMutation`)
 */
export function patchFallbacks(lifting: Lifting): PatchFallbacks | undefined {
  const { pod, decision, withoutTolerations } = lifting;
  const gate = ungating(pod);
  if (gate === undefined) return undefined;
  const view = readPodView(pod);
  const contradicted = decision.kind === 'constrain' && contradictsPod(view, decision);
  const wanted = decision.kind === 'constrain' && !contradicted ? decision : undefined;
  const additions = wanted === undefined ? [] : additionsFor(view, wanted);
  const full = [...additions.map(toOperation), ...recordingOperations({ ...lifting, wanted, additions })];
  const required = wanted === undefined ? [] : requirementsAlone(view, withoutTolerations);
  const patches: LiftPatch[] = [];
  if (!isSame(full, required)) patches.push({ level: 'full', operations: [...gate, ...full] });
  if (required.length > 0) patches.push({ level: 'requirements', operations: [...gate, ...required] });
  patches.push({ level: 'gate', operations: gate });
  return { patches, contradicted };
}

/** Returns only the removal of the gate, for a pod without a decision: our own failure must not keep it gated. */
export function gateOnly(pod: JsonObject): PatchFallbacks | undefined {
  const operations = ungating(pod);
  return operations === undefined ? undefined : { patches: [{ level: 'gate', operations }], contradicted: false };
}

/** Returns whether two patches are equal, apart from the version that they lock on. */
export function isSamePatch(one: LiftPatch, other: LiftPatch): boolean {
  return one.level === other.level && isSame(withoutLock(one), withoutLock(other));
}

function withoutLock({ operations }: LiftPatch): readonly JsonPatchOperation[] {
  return operations.filter(({ path }) => path !== VERSION);
}

function contradictsPod(view: PodView, { requirements }: Constrain): boolean {
  return contradictTogether(view, requirements);
}

function requirementsAlone(view: PodView, decision: PlacementDecision): readonly JsonPatchOperation[] {
  if (decision.kind !== 'constrain' || contradictsPod(view, decision)) return [];
  return additionsFor(view, { ...decision, preferred: [], tolerated: [] }).map(toOperation);
}

/** Returns the lock and the removal of our gate at its index. */
function ungating(pod: JsonObject): readonly JsonPatchOperation[] | undefined {
  const index = ourGateIndex(objectAt(pod, 'spec'));
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
