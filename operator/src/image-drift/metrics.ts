import { NODE_ARCHITECTURES } from '@archpolicy/core';
import type { NodeArchitecture } from '@archpolicy/core';
import { enumCounter } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

/** Whether an image lost or gained an architecture. */
export const DIRECTIONS = ['lost', 'gained'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** The metrics of the drift monitor. */
export interface DriftMetrics {
  /** Counts an architecture that the content of a tag lost or gained. */
  readonly contentChange: (direction: Direction, architecture: NodeArchitecture) => void;
}

/** Declares the metrics, once for each registry. */
export function declareDriftMetrics(registry: Registry): DriftMetrics {
  const changes = enumCounter({
    registry,
    name: 'archpolicy_image_architecture_changes_total',
    help: 'Architectures that the content of tags lost or gained.',
    labels: { direction: DIRECTIONS, architecture: NODE_ARCHITECTURES },
  });
  return {
    contentChange: (direction, architecture) => {
      changes.inc({ direction, architecture });
    },
  };
}
