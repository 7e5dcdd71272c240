import { decidePlacement, denialText, imagesToInspect, isUntouched, placePod } from '@archpolicy/core';
import type { Inspection } from '@archpolicy/core';
import type { Placement } from './ports.ts';

const NO_IMAGES: ReadonlyMap<string, Inspection> = new Map();

/** Core's placement, as the webhook asks it. */
export const placement: Placement = {
  imagesToInspect: (situation) => {
    const { policy, pod } = situation;
    if (policy === undefined) return [];
    // What is left alone whatever its images say (a DaemonSet's pod) must not wait for them.
    return isUntouched(decidePlacement({ ...situation, images: NO_IMAGES })) ? [] : imagesToInspect(pod, policy);
  },
  place: (input) => {
    const placed = placePod(input);
    return placed.decision.kind === 'deny' ? { ...placed, message: denialText(placed.decision) } : placed;
  },
};
