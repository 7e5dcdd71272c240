import type { Inspection } from '../inspection/inspection.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, textAt } from '../json/read.ts';
import type { Addition } from '../placement/additions.ts';
import { additionsFor } from '../placement/additions.ts';
import type { Constrain, PlacementDecision } from '../placement/decision.ts';
import { contradicts } from '../placement/node-constraints.ts';
import type { JsonPatchOperation } from '../placement/json-patch.ts';
import { jsonEqual, pointer } from '../placement/json-patch.ts';
import type { PodView } from '../placement/pod-view.ts';
import { readPodView } from '../placement/pod-view.ts';
import type { ArchPolicy } from '../policy/index.ts';
import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import { recordingOperations } from './record.ts';

/**
 * How much of a decision a patch carries. `full`: everything; `requirements`: without tolerations, preferences and
 * annotation; `gate`: nothing but the removal of the gate.
 */
export const LIFT_RUNGS = ['full', 'requirements', 'gate'] as const;
export type LiftRung = (typeof LIFT_RUNGS)[number];

/** One patch that removes the gate, and what else it does. */
export interface LiftPatch {
  readonly rung: LiftRung;
  readonly operations: readonly JsonPatchOperation[];
}

/** The patches to try, the best first; the last one is always the gate alone. */
export interface LiftLadder {
  readonly rungs: readonly LiftPatch[];
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
  /** For the annotation: who decided, and by what. */
  readonly policy: ArchPolicy | undefined;
  readonly images: ReadonlyMap<string, Inspection>;
}

/** Whether the pod waits behind our gate. */
export function isGated(pod: JsonObject): boolean {
  return gateIndex(pod) !== undefined;
}

/**
 * PL12: the ladder of patches that lift the gate of a pod; undefined when it carries none, or no version to lock on.
 *
 * The API server lets nobody change what a gated pod requires of nodes but by appending expressions to terms that are
 * not empty, or by setting required affinity where there is none. So nothing that stands there is taken out, and what
 * is appended is what the terms do not imply yet.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/#mutable-pod-scheduling-directives and
 *   https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/validation/validation.go (`validateNodeAffinityMutation`)
 */
export function liftLadder(lifting: Lifting): LiftLadder | undefined {
  const { pod, decision } = lifting;
  const gate = ungating(pod);
  if (gate === undefined) return undefined;
  const view = readPodView(pod);
  const contradicted = decision.kind === 'constrain' && contradictsPod(view, decision);
  const wanted = decision.kind === 'constrain' && !contradicted ? decision : undefined;
  const additions = wanted === undefined ? [] : additionsFor(view, wanted);
  const full = [...additions.map(toOperation), ...recordingOperations({ ...lifting, wanted, additions })];
  const required = wanted === undefined ? [] : requirementsAlone(view, wanted);
  const rungs: LiftPatch[] = [];
  if (!isSame(full, required)) rungs.push({ rung: 'full', operations: [...gate, ...full] });
  if (required.length > 0) rungs.push({ rung: 'requirements', operations: [...gate, ...required] });
  rungs.push({ rung: 'gate', operations: gate });
  return { rungs, contradicted };
}

/** The ladder of a pod that nothing can be decided about: our own failure must not keep it gated. */
export function bareLadder(pod: JsonObject): LiftLadder | undefined {
  const operations = ungating(pod);
  return operations === undefined ? undefined : { rungs: [{ rung: 'gate', operations }], contradicted: false };
}

function contradictsPod(view: PodView, { requirements }: Constrain): boolean {
  return requirements.some((requirement) => contradicts(view, requirement));
}

function requirementsAlone(view: PodView, decision: Constrain): readonly JsonPatchOperation[] {
  return additionsFor(view, { ...decision, preferred: [], tolerated: [] }).map(toOperation);
}

/** The lock, and the removal of our gate wherever it stands among others'. */
function ungating(pod: JsonObject): readonly JsonPatchOperation[] | undefined {
  const index = gateIndex(pod);
  const version = textAt(objectAt(pod, 'metadata'), 'resourceVersion');
  if (index === undefined || version === undefined) return undefined;
  const path = pointer('spec', 'schedulingGates', index);
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: version },
    { op: 'test', path: `${path}/name`, value: GATE_INSPECTING },
    { op: 'remove', path },
  ];
}

function gateIndex(pod: JsonObject): number | undefined {
  const gates = arrayAt(objectAt(pod, 'spec'), 'schedulingGates');
  const index = gates.findIndex((gate) => isJsonObject(gate) && gate['name'] === GATE_INSPECTING);
  return index === -1 ? undefined : index;
}

function isSame(one: readonly JsonPatchOperation[], other: readonly JsonPatchOperation[]): boolean {
  return one.length === other.length && jsonEqual([...one], [...other]);
}

function toOperation({ path, value }: Addition): JsonPatchOperation {
  return { op: 'add', path, value };
}
