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
export const placement: Placement = {
  imagesToInspect: (situation) => {
    const { policy, pod } = situation;
    if (policy === undefined) return [];
    // What is left alone whatever its images say (a DaemonSet's pod) must not wait for them.
    if (!isOfWorkload(pod) && isUntouched(decidePlacement({ ...situation, images: NO_IMAGES }))) return [];
    return imagesToInspect(podImages(objectAt(pod, 'spec')), policy.spec);
  },
  place: (input) => {
    const placed = placePod(input);
    return placed.decision.kind === 'deny' ? { ...placed, message: denialText(placed.decision) } : placed;
  },
};

/** Controllers whose pods are hardly ever left alone: for these the decision is made once, with their images. */
const WORKLOADS: ReadonlySet<string> = new Set(['ReplicaSet', 'StatefulSet', 'Job', 'ReplicationController']);

function isOfWorkload(pod: JsonObject): boolean {
  return WORKLOADS.has(readOwner(pod)?.kind ?? '');
}
