import { ANNOTATION_DECISION, isJsonObject, pointer, PROBE_NAMESPACE } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import type { AdmissionRequest } from '../review/review.ts';
import type { PlacedPod } from './ports.ts';

/** Proves that the webhook received the probe. Readers of the annotation find no additions to the pod in it. */
const ANSWER = JSON.stringify({ v: 1, kind: 'leave', reason: 'Probe' });

/** Whether the request is the operator's probe. No pod is ever stored in its namespace. */
export function isProbe({ namespace }: Pick<AdmissionRequest, 'namespace'>): boolean {
  return namespace === PROBE_NAMESPACE;
}

/** R3: the response to every probe, regardless of policies and registries: it proves that the webhook is called. */
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
