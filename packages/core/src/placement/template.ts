import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { readOwner } from '../kubernetes/owner.ts';
import { mountedOnly, podImages } from '../kubernetes/pod-spec.ts';
import { stringMapAt } from '../json/read.ts';

/** Characters of annotations: usual pods have hundreds. Beyond, comparing costs as much as deciding. */
const MAX_ANNOTATIONS_LENGTH = 16_384;

/**
 * Everything of a pod that its placement reads and that its patch touches, as text: two pods with the same text get the
 * same placement from the same input, and what was checked of a patch for one (PL11) holds for the other. A ReplicaSet's
 * pods have the same text, although each has volume names and times of its own.
 *
 * Undefined for a bare pod, of which names and managed fields count as well, and for one that is too large or has not
 * the shape of a pod. A number that is not finite reads as null here: what an API server sends has neither.
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
    // Of another type it says nothing.
    deadline: typeof deadline === 'number' ? String(deadline) : undefined,
  });
}
