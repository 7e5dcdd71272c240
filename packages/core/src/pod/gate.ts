import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import type { PodFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt } from '../json/read.ts';

/**
 * Returns the index of ArchPolicy's gate in `schedulingGates` of a pod's spec; undefined if the pod does not have the
 * gate.
 */
export function findGateIndex(spec: JsonObject): number | undefined {
  const index = arrayAt(spec, 'schedulingGates').findIndex(
    (gate) => isJsonObject(gate) && gate['name'] === GATE_INSPECTING,
  );
  return index === -1 ? undefined : index;
}

/** Whether an unparsed pod has ArchPolicy's gate. */
export function isGated(pod: JsonObject): boolean {
  return findGateIndex(objectAt(pod, 'spec')) !== undefined;
}

/** Whether a parsed pod has ArchPolicy's gate. */
export function hasGate({ schedulingGates }: Pick<PodFacts, 'schedulingGates'>): boolean {
  return schedulingGates.includes(GATE_INSPECTING);
}
