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

/** Adapts core's placement to the webhook's port. */
export const corePlacement: Placement = {
  imagesToInspect: (context) => {
    const { policy, pod } = context;
    if (policy === undefined) return [];
    // A pod that is exempt regardless of its images (such as a pod of a DaemonSet) must not wait for the inspection of
    // its images.
    if (!isOwnedByWorkload(pod) && isUntouched(decidePlacement({ ...context, images: NO_IMAGES }))) return [];
    return imagesToInspect(podImages(objectAt(pod, 'spec')), policy.spec);
  },
  place: (input) => {
    const placed = placePod(input);
    return placed.decision.kind === 'deny' ? { ...placed, message: denialText(placed.decision) } : placed;
  },
};

/**
 * Controllers whose pods are rarely exempt. For these pods, deciding without images first, in order to detect an
 * exemption, would usually be wasted work.
 */
const WORKLOAD_KINDS: ReadonlySet<string> = new Set(['ReplicaSet', 'StatefulSet', 'Job', 'ReplicationController']);

function isOwnedByWorkload(pod: JsonObject): boolean {
  return WORKLOAD_KINDS.has(readOwner(pod)?.kind ?? '');
}
