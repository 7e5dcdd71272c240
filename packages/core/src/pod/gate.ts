import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import type { PodFacts } from '../kubernetes/facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt } from '../json/read.ts';

/** Position of our scheduling gate in the `schedulingGates` of a pod's spec; undefined when it has none. */
export function ourGateIndex(spec: JsonObject): number | undefined {
  const index = arrayAt(spec, 'schedulingGates').findIndex(
    (gate) => isJsonObject(gate) && gate['name'] === GATE_INSPECTING,
  );
  return index === -1 ? undefined : index;
}

/** Whether a pod, as the API server sends it, has our scheduling gate. */
export function isGated(pod: JsonObject): boolean {
  return ourGateIndex(objectAt(pod, 'spec')) !== undefined;
}

/** The same of a parsed pod. */
export function hasOurGate({ schedulingGates }: Pick<PodFacts, 'schedulingGates'>): boolean {
  return schedulingGates.includes(GATE_INSPECTING);
}
