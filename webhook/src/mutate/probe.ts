import { ANNOTATION_DECISION, isJsonObject, pointer, PROBE_NAMESPACE } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import type { AdmissionRequest } from '../review/review.ts';
import type { PlacedPod } from './ports.ts';

/**
 * The decision annotation of a probe. The annotation proves that the webhook received the probe. It lists no additions
 * to the pod, because a probe gets none.
 */
const ANSWER = JSON.stringify({ v: 1, kind: 'leave', reason: 'Probe' });

/**
 * Whether the request is the operator's probe. The probe is recognized by its namespace, in which no pod is ever
 * stored.
 */
export function isProbe({ namespace }: Pick<AdmissionRequest, 'namespace'>): boolean {
  return namespace === PROBE_NAMESPACE;
}

/**
 * R3: returns the response to a probe. The response does not depend on policies or registries, because a probe only
 * checks whether the webhook is called.
 */
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
