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
 * How much of a decision a patch carries. `full`: everything; `requirements`: what the images require, without
 * preference, tolerations and annotation; `gate`: nothing but the removal of the gate.
 */
export const PATCH_LEVELS = ['full', 'requirements', 'gate'] as const;
export type PatchLevel = (typeof PATCH_LEVELS)[number];

/** One patch that removes the gate, and what else it does. */
export interface LiftPatch {
  readonly level: PatchLevel;
  readonly operations: readonly JsonPatchOperation[];
}

/** The patches to try, the best first; the last one is always the gate alone. */
export interface PatchFallbacks {
  readonly patches: readonly LiftPatch[];
  /**
   * The decision's requirements contradict what already stands in the pod, and nothing can be taken back there (a tag
   * that moved between admission and now): nothing is added, for a pod must run.
   */
  readonly contradicted: boolean;
}

/** What a pod is lifted with. */
export interface Lifting {
  /** As read from the API server. */
  readonly pod: JsonObject;
  readonly decision: PlacementDecision;
  /** The same without tolerations and preference (`decideGate`). */
  readonly withoutTolerations: PlacementDecision;
  /** For the annotation: who decided, and by what. */
  readonly policy: ArchPolicy | undefined;
  readonly images: ReadonlyMap<string, Inspection>;
}

/**
 * PL12: the patches that lift the gate of a pod; undefined when it carries none, or no version to lock on.
 *
 * On a gated pod the API server allows no change of what it requires of nodes but appending expressions to terms that
 * are not empty, or setting required affinity where there is none. So nothing that stands there is taken out, and what
 * is appended is what the terms do not imply yet.
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

/** The gate alone, of a pod that nothing can be decided about: our own failure must not keep it gated. */
export function gateOnly(pod: JsonObject): PatchFallbacks | undefined {
  const operations = ungating(pod);
  return operations === undefined ? undefined : { patches: [{ level: 'gate', operations }], contradicted: false };
}

/** Whether both do the same, whichever version of the pod they lock on. */
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

/** The lock, and the removal of our gate wherever it stands among others'. */
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
