import type { Inspection } from '@archpolicy/core';
import type { PlacedPod } from './ports.ts';

/**
 * Adds a warning to the placement of a dry run if images are not known yet. The images of dry runs are inspected in the
 * background and within a share of the namespace, so that the same pod may be placed differently when it is created.
 */
export function withDryRunWarning(placed: PlacedPod, images: ReadonlyMap<string, Inspection>): PlacedPod {
  const unknown = [...images.values()].filter(isNotKnownYet).length;
  if (unknown === 0) return placed;
  const subject = unknown === 1 ? 'an image are' : `${unknown} images are`;
  const warning = `archpolicy: dry run: platforms of ${subject} not known yet; a created pod may be placed differently`;
  return { ...placed, warnings: [...placed.warnings, warning] };
}

function isNotKnownYet(inspection: Inspection): boolean {
  return inspection.kind === 'unresolved' && inspection.reason === 'Deadline';
}
