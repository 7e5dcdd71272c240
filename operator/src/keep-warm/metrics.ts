import { closedCounter, closedGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

const OUTCOMES = [
  /** What is known was confirmed, or is young enough. */
  'warm',
  /** The registry did not answer; what is known is older than it should be. */
  'stale',
  /** Nothing is known. */
  'failed',
] as const;
export type WarmOutcome = (typeof OUTCOMES)[number];

/** What keep-warm counts. */
export interface KeepWarmMetrics {
  readonly looked: (outcome: WarmOutcome) => void;
  /** Images that are kept warm, and how many of them are due. */
  readonly images: (all: number, due: number) => void;
}

/** Declares the metrics, once for each registry. */
export function declareKeepWarmMetrics(registry: Registry): KeepWarmMetrics {
  const looks = closedCounter({
    registry,
    name: 'archpolicy_keep_warm_inspections_total',
    help: 'Looks at images before what is known of them is past its time, by what is known then.',
    labels: { outcome: OUTCOMES },
  });
  const images = closedGauge({
    registry,
    name: 'archpolicy_keep_warm_images',
    help: 'Images that are kept warm; due: those that wait for their turn.',
    labels: { state: ['all', 'due'] },
  });
  return {
    looked: (outcome) => {
      looks.inc({ outcome });
    },
    images: (all, due) => {
      images.set({ state: 'all' }, all);
      images.set({ state: 'due' }, due);
    },
  };
}
