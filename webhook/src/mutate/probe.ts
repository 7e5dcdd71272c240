import { ANNOTATION_DECISION, isJsonObject, pointer, PROBE_NAMESPACE } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import type { AdmissionRequest } from '../review/review.ts';
import type { PlacedPod } from './ports.ts';

/**
 * The decision annotation of a probe. It proves that the webhook received the probe. It states no additions to the pod.
 */
const ANSWER = JSON.stringify({ v: 1, kind: 'leave', reason: 'Probe' });

/** Whether the request is the operator's probe. Its namespace is used for nothing else: no pod is ever stored in it. */
export function isProbe({ namespace }: Pick<AdmissionRequest, 'namespace'>): boolean {
  return namespace === PROBE_NAMESPACE;
}

/**
 * R3: returns the response to a probe. It is the same for all policies and registries, because it only proves that the
 * webhook is called.
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
