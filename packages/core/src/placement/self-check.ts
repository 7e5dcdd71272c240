import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { objectAt, stringMapAt } from '../json/read.ts';
import { isLabelKey, isLabelValue } from '../policy/index.ts';
import type { NodeSelectorRequirement } from '../kubernetes/node-selector.ts';
import type { Constrain, Gate } from './decision.ts';
import type { JsonPatchOperation } from './json-patch.ts';
import { applyPatch } from './json-patch.ts';
import { MAX_BYTES_PER_UNIT, utf8Length } from './quote.ts';

/**
 * The API server's limit for all annotations of an object, keys and values: `TotalAnnotationSizeLimitB`.
 *
 * @see https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/api/validation/objectmeta.go
 */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;
const MIN_WEIGHT = 1;
const MAX_WEIGHT = 100;

export type SelfCheck =
  | { readonly kind: 'passed'; readonly pod: JsonObject }
  | { readonly kind: 'failed'; readonly problem: SelfCheckProblem };

/**
 * Why a patch fails its check. `AnnotationsTooLarge`: only the decision annotation does not fit and must be omitted.
 */
export type SelfCheckProblem = 'DoesNotApply' | 'InvalidRequirement' | 'InvalidWeight' | 'AnnotationsTooLarge';

/**
 * PL11: applies the patch to the received object and validates the changes as the API server does. This check is
 * needed, because the API server would reject the pod under any failure policy if the patch did not apply or made the
 * pod invalid.
 */
export function selfCheck(
  received: JsonObject,
  patch: readonly JsonPatchOperation[],
  decision: Constrain | Gate,
): SelfCheck {
  const applied = applyPatch(received, patch);
  if (applied.kind === 'refused' || !isJsonObject(applied.value)) return failed('DoesNotApply');
  if (!decision.requirements.every(isValid)) return failed('InvalidRequirement');
  if (decision.kind === 'constrain' && !decision.preferred.every(({ weight }) => isWeight(weight))) {
    return failed('InvalidWeight');
  }
  if (!annotationsFit(applied.value)) return failed('AnnotationsTooLarge');
  return { kind: 'passed', pod: applied.value };
}

function failed(problem: SelfCheckProblem): SelfCheck {
  return { kind: 'failed', problem };
}

function isValid({ key, operator, values }: NodeSelectorRequirement): boolean {
  return (
    (operator === 'In' || operator === 'NotIn') && values.length > 0 && isLabelKey(key) && values.every(isLabelValue)
  );
}

function isWeight(weight: number): boolean {
  return Number.isInteger(weight) && weight >= MIN_WEIGHT && weight <= MAX_WEIGHT;
}

function annotationsFit(pod: JsonObject): boolean {
  const annotations = Object.entries(stringMapAt(objectAt(pod, 'metadata'), 'annotations')).flat();
  let units = 0;
  for (const text of annotations) units += text.length;
  // Most pods are far below the limit, so they do not need the exact count, which reads every character.
  if (units * MAX_BYTES_PER_UNIT <= MAX_ANNOTATIONS_BYTES) return true;
  let bytes = 0;
  for (const text of annotations) bytes += utf8Length(text);
  return bytes <= MAX_ANNOTATIONS_BYTES;
}
