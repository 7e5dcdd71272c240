import { GATE_INSPECTING } from '../kubernetes/archpolicy-keys.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { PREFERRED, REQUIRED } from '../kubernetes/pod-spec.ts';
import { arrayAt, objectAt } from '../json/read.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import { architectureToleration } from './architecture-taints.ts';
import { fitsNodeSelector } from './as-node-selector.ts';
import type { Constrain, Gate, PreferredArchitecture } from './decision.ts';
import { architectureRequirement, isImplied } from './node-constraints.ts';
import { pointer } from './json-patch.ts';
import { findGateIndex } from '../pod/gate.ts';
import type { PodView } from './pod-view.ts';

/** One added value: a new field, or an element appended to a list. */
export interface Addition {
  /** JSON Pointer into the pod. */
  readonly path: string;
  readonly value: Json;
}

const AFFINITY = '/spec/affinity';
const NODE_SELECTOR = '/spec/nodeSelector';

/**
 * Returns the additions that apply the decision to the pod, in order. They replace no existing value. If the parent of
 * a value is absent, the addition creates the parent.
 */
export function additionsFor(view: PodView, decision: Constrain | Gate): readonly Addition[] {
  const additions =
    decision.asNodeSelector === true
      ? nodeSelectorAdditions(view, decision.requirements)
      : affinityAdditions(view, decision);
  if (decision.kind === 'gate') return [...additions, ...gateAddition(view)];
  const tolerations = decision.tolerated.map(architectureToleration);
  return [...additions, ...appended(view.spec['tolerations'], '/spec/tolerations', tolerations)];
}

/** Returns the requirements as new keys of the node selector. The API server also accepts new keys on a gated pod. */
function nodeSelectorAdditions(view: PodView, requirements: readonly NodeSelectorRequirement[]): readonly Addition[] {
  const keys = requirements
    .filter((requirement) => fitsNodeSelector(view, requirement))
    .map(({ key, values }) => [key, values[0] ?? ''] as const);
  if (keys.length === 0) return [];
  if (!isJsonObject(view.spec['nodeSelector'])) return [{ path: NODE_SELECTOR, value: Object.fromEntries(keys) }];
  return keys.map(([key, value]) => ({ path: NODE_SELECTOR + pointer(key), value }));
}

/**
 * PL5: returns the additions to node affinity. Each requirement is added to every required term. A separate term would
 * widen the owner's choice, because terms are ORed.
 */
function affinityAdditions(view: PodView, decision: Constrain | Gate): readonly Addition[] {
  const { spec, requiredAffinity } = view;
  const preferred = decision.kind === 'constrain' ? decision.preferred.map(preferredTerm) : [];
  const created: Record<string, Json> = {};
  if (requiredAffinity === undefined && decision.requirements.length > 0)
    created[REQUIRED] = buildSelector(decision.requirements);
  if (!isJsonObject(spec['affinity'])) return nested(AFFINITY, 'nodeAffinity', created, preferred);
  const nodeAffinity = spec['affinity']['nodeAffinity'];
  const path = `${AFFINITY}/nodeAffinity`;
  if (!isJsonObject(nodeAffinity)) return whole(path, withPreferred(created, preferred));
  const required = created[REQUIRED];
  return [
    ...termAdditions(view, decision.requirements),
    ...(required === undefined ? [] : [{ path: `${path}/${REQUIRED}`, value: required }]),
    ...appended(nodeAffinity[PREFERRED], `${path}/${PREFERRED}`, preferred),
  ];
}

function termAdditions(
  { spec, requiredAffinity, nodeSelector }: PodView,
  requirements: readonly NodeSelectorRequirement[],
): readonly Addition[] {
  const selector = objectAt(objectAt(objectAt(spec, 'affinity'), 'nodeAffinity'), REQUIRED);
  const raw = arrayAt(selector, 'nodeSelectorTerms');
  const terms = requiredAffinity?.nodeSelectorTerms ?? [];
  return terms.flatMap((term, index) => {
    const missing = requirements.filter((requirement) => !isImplied(nodeSelector, term, requirement));
    const path = `${AFFINITY}/nodeAffinity/${REQUIRED}/nodeSelectorTerms/${index}/matchExpressions`;
    const rawTerm = raw[index];
    return appended(isJsonObject(rawTerm) ? rawTerm['matchExpressions'] : undefined, path, missing.map(expression));
  });
}

function gateAddition({ spec }: PodView): readonly Addition[] {
  if (findGateIndex(spec) !== undefined) return [];
  return appended(spec['schedulingGates'], '/spec/schedulingGates', [{ name: GATE_INSPECTING }]);
}

/** Returns the additions that append the elements to the list, or that create the list if it is absent. */
function appended(list: Json | undefined, path: string, elements: readonly Json[]): readonly Addition[] {
  if (elements.length === 0) return [];
  if (!Array.isArray(list)) return [{ path, value: elements }];
  return elements.map((value, index) => ({ path: path + pointer(list.length + index), value }));
}

function nested(path: string, key: string, created: JsonObject, preferred: readonly Json[]): readonly Addition[] {
  const value = withPreferred(created, preferred);
  return Object.keys(value).length === 0 ? [] : [{ path, value: { [key]: value } }];
}

function whole(path: string, value: JsonObject): readonly Addition[] {
  return Object.keys(value).length === 0 ? [] : [{ path, value }];
}

function withPreferred(created: JsonObject, preferred: readonly Json[]): JsonObject {
  return preferred.length === 0 ? created : { ...created, [PREFERRED]: preferred };
}

function buildSelector(requirements: readonly NodeSelectorRequirement[]): JsonObject {
  return { nodeSelectorTerms: [{ matchExpressions: requirements.map(expression) }] };
}

function preferredTerm({ architecture, weight }: PreferredArchitecture): JsonObject {
  return { weight, preference: { matchExpressions: [expression(architectureRequirement([architecture]))] } };
}

function expression({ key, operator, values }: NodeSelectorRequirement): JsonObject {
  return { key, operator, values };
}
