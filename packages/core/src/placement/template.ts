import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { readOwner } from '../kubernetes/owner.ts';
import { mountedOnly, podImages } from '../kubernetes/pod-spec.ts';
import { stringMapAt } from '../json/read.ts';

/**
 * Maximum number of characters in the annotations; usual pods have some hundreds. Comparing longer annotations would
 * take as long as a placement.
 */
const MAX_ANNOTATIONS_LENGTH = 16_384;

/**
 * Returns, as text, all parts of a pod that its placement reads or its patch changes. Two pods with the same text get
 * the same placement from the same input, and a patch that passed its check for one pod (PL11) is valid for the other,
 * too. Pods of a ReplicaSet have the same text, although their names and some volume names differ.
 *
 * Returns undefined for a bare pod, whose placement also depends on its name and managed fields, and for a pod that is
 * too large or malformed. A number that is not finite becomes null in the text, but no API server sends such a number.
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
    // The placement ignores values of other types.
    deadline: typeof deadline === 'number' ? String(deadline) : undefined,
  });
}
