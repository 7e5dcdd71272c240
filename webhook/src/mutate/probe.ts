import { ANNOTATION_DECISION, isJsonObject, pointer, PROBE_NAMESPACE } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import type { AdmissionRequest } from '../review/review.ts';
import type { PlacedPod } from './ports.ts';

/** Says that the webhook was there, and nothing of a placement: whoever reads the annotation finds no additions in it. */
const ANSWER = JSON.stringify({ v: 1, kind: 'leave', reason: 'Probe' });

/** Whether the operator asks whether it reaches us. No pod is ever stored in that namespace. */
export function isProbe({ namespace }: Pick<AdmissionRequest, 'namespace'>): boolean {
  return namespace === PROBE_NAMESPACE;
}

/** R3: the answer to every probe, whatever policies and registries say: it tells of the way here, not of an image. */
export function answerProbe(pod: JsonObject): PlacedPod {
  return {
    decision: { kind: 'leave', reason: 'NoPolicy', unresolved: [], warnings: [] },
    patch: annotationPatch(pod),
    warnings: [],
    auditAnnotations: {},
  };
}

function annotationPatch({ metadata }: JsonObject): readonly JsonPatchOperation[] {
  if (!isJsonObject(metadata)) return [];
  return isJsonObject(metadata['annotations'])
    ? [{ op: 'add', path: pointer('metadata', 'annotations', ANNOTATION_DECISION), value: ANSWER }]
    : [{ op: 'add', path: pointer('metadata', 'annotations'), value: { [ANNOTATION_DECISION]: ANSWER } }];
}
