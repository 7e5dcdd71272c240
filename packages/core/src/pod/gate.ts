import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import type { PodFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt } from '../json/read.ts';

/** Returns the index of our scheduling gate in the `schedulingGates` of a pod's spec; undefined if absent. */
export function ourGateIndex(spec: JsonObject): number | undefined {
  const index = arrayAt(spec, 'schedulingGates').findIndex(
    (gate) => isJsonObject(gate) && gate['name'] === GATE_INSPECTING,
  );
  return index === -1 ? undefined : index;
}

/** Returns whether a raw pod has our scheduling gate. */
export function isGated(pod: JsonObject): boolean {
  return ourGateIndex(objectAt(pod, 'spec')) !== undefined;
}

/** Returns whether a parsed pod has our scheduling gate. */
export function hasOurGate({ schedulingGates }: Pick<PodFacts, 'schedulingGates'>): boolean {
  return schedulingGates.includes(GATE_INSPECTING);
}
