import {
  decidePlacement,
  denialText,
  imagesToInspect,
  isUntouched,
  objectAt,
  placePod,
  podImages,
  readOwner,
} from '@archpolicy/core';
import type { Inspection, JsonObject } from '@archpolicy/core';
import type { Placement } from './ports.ts';

const NO_IMAGES: ReadonlyMap<string, Inspection> = new Map();

/** Core's placement, as the webhook asks it. */
export const corePlacement: Placement = {
  imagesToInspect: (context) => {
    const { policy, pod } = context;
    if (policy === undefined) return [];
    // What is left alone whatever its images say (a DaemonSet's pod) must not wait for them.
    if (!isOwnedByWorkload(pod) && isUntouched(decidePlacement({ ...context, images: NO_IMAGES }))) return [];
    return imagesToInspect(podImages(objectAt(pod, 'spec')), policy.spec);
  },
  place: (input) => {
    const placed = placePod(input);
    return placed.decision.kind === 'deny' ? { ...placed, message: denialText(placed.decision) } : placed;
  },
};

/** Controllers whose pods are hardly ever left alone: for these the decision is made once, with their images. */
const WORKLOAD_KINDS: ReadonlySet<string> = new Set(['ReplicaSet', 'StatefulSet', 'Job', 'ReplicationController']);

function isOwnedByWorkload(pod: JsonObject): boolean {
  return WORKLOAD_KINDS.has(readOwner(pod)?.kind ?? '');
}
