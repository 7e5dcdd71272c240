import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { readOwner } from '../kubernetes/owner.ts';
import { mountedOnly, podImages } from '../kubernetes/pod-spec.ts';
import { stringMapAt } from '../json/read.ts';

/** Characters of annotations: usual pods have hundreds. With more, comparing costs as much as deciding. */
const MAX_ANNOTATIONS_LENGTH = 16_384;

/**
 * Returns all parts of a pod that its placement reads or its patch changes, as text. Two pods with the same text get
 * the same placement from the same input, and the check of a patch for one (PL11) holds for the other. Pods of a
 * ReplicaSet have the same text, although their names and some volume names differ.
 *
 * Undefined for a bare pod, whose names and managed fields count as well, and for a pod that is too large or does not
 * have the shape of a pod. A number that is not finite becomes null here, but no API server sends one.
 */
export function templateText(pod: JsonObject): string | undefined {
  const { metadata, spec } = pod;
  if (!isJsonObject(metadata) || !isJsonObject(spec) || readOwner(pod) === undefined) return undefined;
  let length = 0;
  for (const text of Object.values(stringMapAt(metadata, 'annotations'))) length += text.length;
  if (length > MAX_ANNOTATIONS_LENGTH) return undefined;
  const deadline = spec['activeDeadlineSeconds'];
  return JSON.stringify({
    labels: metadata['labels'],
    annotations: metadata['annotations'],
    owners: metadata['ownerReferences'],
    images: podImages(spec),
    ...mountedOnly(spec),
    nodeName: spec['nodeName'],
    os: spec['os'],
    nodeSelector: spec['nodeSelector'],
    affinity: spec['affinity'],
    tolerations: spec['tolerations'],
    spread: spec['topologySpreadConstraints'],
    schedulingGates: spec['schedulingGates'],
    // Other types are ignored.
    deadline: typeof deadline === 'number' ? String(deadline) : undefined,
  });
}
