import {
  ANNOTATION_DECISION,
  arrayAt,
  isJsonArray,
  isJsonObject,
  labelOf,
  parseDecision,
  pointerTokens,
  textAt,
} from '@archpolicy/core';
import type { DecisionRecord, Json, NodeSelector, NodeSelectorRequirement, PodFacts } from '@archpolicy/core';

const LABEL_ARCH = 'kubernetes.io/arch';
/** Where required terms stand in a pod. */
const TERMS = [
  'spec',
  'affinity',
  'nodeAffinity',
  'requiredDuringSchedulingIgnoredDuringExecution',
  'nodeSelectorTerms',
] as const;

/** What is recorded to have been added to one required term. */
interface Recorded {
  readonly term: number;
  readonly expression: Json;
}

/** The record in the pod's annotation; undefined where there is none that we could have written. */
export function recordIn({ annotations }: Pick<PodFacts, 'annotations'>): DecisionRecord | undefined {
  const annotation = labelOf(annotations, ANNOTATION_DECISION);
  const parsed = annotation === undefined ? undefined : parseDecision(annotation);
  return parsed?.kind === 'record' ? parsed.record : undefined;
}

/**
 * R4: the pod's required terms without the architectures that we once chose, which are decided afresh for a
 * replacement. The record of them can be anybody's: on its word alone, nothing but an `In` of the architecture is left
 * out, and that only where it stands there verbatim.
 */
export function ownTerms(pod: PodFacts): NodeSelector | undefined {
  const { requiredAffinity } = pod;
  const record = recordIn(pod);
  if (requiredAffinity === undefined || record === undefined) return requiredAffinity;
  const terms = requiredAffinity.nodeSelectorTerms;
  const recorded = record.added.flatMap(({ path, value }) => recordedAt(path, value, record.terms, terms.length));
  const own = terms.map((term, index) => {
    const ours = recorded.filter((one) => one.term === index);
    const isOurs = (requirement: NodeSelectorRequirement): boolean =>
      requirement.key === LABEL_ARCH &&
      requirement.operator === 'In' &&
      ours.some(({ expression }) => isVerbatim(expression, requirement));
    return { ...term, matchExpressions: term.matchExpressions.filter((requirement) => !isOurs(requirement)) };
  });
  // A term of nothing but ours asks for nothing; the scheduler would take what is left of it for one that matches nothing.
  const isEmptied = own.some(
    ({ matchExpressions, matchFields }, index) =>
      matchExpressions.length + matchFields.length === 0 && (terms[index]?.matchExpressions.length ?? 0) > 0,
  );
  return isEmptied ? undefined : { nodeSelectorTerms: own };
}

/** Where terms came or went since, none of them is known to be the one that was added to. */
function recordedAt(path: string, value: Json, terms: number | undefined, present: number): readonly Recorded[] {
  const tokens = pointerTokens(path) ?? [];
  if (!TERMS.slice(0, tokens.length).every((name, index) => name === tokens[index])) return [];
  const [term, list, position] = tokens.slice(TERMS.length);
  if (term === undefined) return createdIn(value, TERMS.slice(tokens.length), present);
  if (list !== 'matchExpressions' || terms !== present) return [];
  const expressions = position === undefined && isJsonArray(value) ? value : [value];
  return expressions.map((expression) => ({ term: Number(term), expression }));
}

/** Terms that were made as a whole, with the parents that were missing. */
function createdIn(value: Json, names: readonly string[], present: number): readonly Recorded[] {
  let terms: Json | undefined = value;
  for (const name of names) terms = isJsonObject(terms) ? terms[name] : undefined;
  if (terms === undefined || !isJsonArray(terms) || terms.length !== present) return [];
  return terms.flatMap((one, term) =>
    isJsonObject(one) ? arrayAt(one, 'matchExpressions').map((expression) => ({ term, expression })) : [],
  );
}

function isVerbatim(expression: Json, { key, operator, values }: NodeSelectorRequirement): boolean {
  if (!isJsonObject(expression)) return false;
  const recorded = arrayAt(expression, 'values');
  return (
    textAt(expression, 'key') === key &&
    textAt(expression, 'operator') === operator &&
    recorded.length === values.length &&
    values.every((value, index) => recorded[index] === value)
  );
}
