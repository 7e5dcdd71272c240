import { enumCounter, enumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

const OUTCOMES = [
  /** The cache entry is not older than intended. */
  'warm',
  /** The cache entry is older than intended, because the registry did not respond. */
  'stale',
  /** The inspection failed: there is no usable cache entry. */
  'failed',
] as const;
export type WarmOutcome = (typeof OUTCOMES)[number];

/** The metrics of keep-warm. */
export interface KeepWarmMetrics {
  readonly inspected: (outcome: WarmOutcome) => void;
  /**
   * Sets the number of images that are kept warm, and the number of images whose inspection is due but has not begun.
   */
  readonly images: (all: number, due: number) => void;
}

/** Declares the metrics, once for each registry. */
export function declareKeepWarmMetrics(registry: Registry): KeepWarmMetrics {
  const inspections = enumCounter({
    registry,
    name: 'archpolicy_keep_warm_inspections_total',
    help: 'Inspections that refresh images before their cache entries expire, by the resulting entry.',
    labels: { outcome: OUTCOMES },
  });
  const images = enumGauge({
    registry,
    name: 'archpolicy_keep_warm_images',
    help: 'Images that are kept warm; due: images that wait for an inspection.',
    labels: { state: ['all', 'due'] },
  });
  return {
    inspected: (outcome) => {
      inspections.inc({ outcome });
    },
    images: (all, due) => {
      images.set({ state: 'all' }, all);
      images.set({ state: 'due' }, due);
    },
  };
}
