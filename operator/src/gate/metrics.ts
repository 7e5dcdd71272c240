import { PATCH_LEVELS, PLACEMENT_REASONS } from '@archpolicy/core';
import type { Inspection, LiftResponse, PatchLevel, PlacementReason } from '@archpolicy/core';
import { enumCounter, enumHistogram, observedGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

interface GatedPodsState {
  readonly pods: number;
  /** The age of the oldest gated pod. */
  readonly oldestMs: number;
}

/** The metrics of the gate controller. */
export interface GateMetrics {
  lifted(level: PatchLevel, reason: PlacementReason, waitedMs: number): void;
  timedOut(): void;
  /** Counts a gate that a replica lifted because the leader had not lifted it. */
  overdue(): void;
  patched(level: PatchLevel, answer: LiftResponse['kind']): void;
  inspected(inspection: Inspection): void;
  /** Counts a failed reconcile. Each failed reconcile is retried. */
  failed(): void;
  /** Sets the function that returns the gated pods. It is called at each scrape. */
  watchPods(read: () => GatedPodsState): void;
  /** Sets the function that returns the number of images for which gated pods wait. It is called at each scrape. */
  watchImages(read: () => number): void;
}

/** The values of the label `answer`, by kind of response. */
const ANSWERS = {
  lifted: 'lifted',
  gone: 'gone',
  conflict: 'contested',
  refused: 'refused',
  'internal-error': 'internal-error',
  'transient-error': 'trouble',
} as const satisfies Readonly<Record<LiftResponse['kind'], string>>;
/** Upper bounds of the buckets, seconds: from a cache hit to the longest `gateTimeout`. */
const WAIT_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

const MS_PER_SECOND = 1_000;

/** Declares the metrics, once for each registry. */
export function createGateMetrics(registry: Registry): GateMetrics {
  const lifted = enumCounter({
    registry,
    name: 'archpolicy_gate_lifted_total',
    help: 'Pods whose gate was lifted, by the patch level that the API server accepted and the reason of the decision.',
    labels: { level: PATCH_LEVELS, reason: PLACEMENT_REASONS },
  });
  const waited = enumHistogram({
    registry,
    name: 'archpolicy_gate_wait_seconds',
    help: 'Time from the creation of a gated pod until its gate was lifted.',
    labels: {},
    buckets: WAIT_BUCKETS,
  });
  const timedOut = counter(
    registry,
    'archpolicy_gate_timed_out_total',
    'Gates lifted by gateTimeout before the images were inspected.',
  );
  const overdue = counter(
    registry,
    'archpolicy_gate_overdue_total',
    'Gates lifted because they were older than twice gateTimeout, by any replica of the operator.',
  );
  const failed = counter(registry, 'archpolicy_gate_failures_total', 'Failed reconciles of gated pods.');
  const patched = enumCounter({
    registry,
    name: 'archpolicy_gate_patches_total',
    help: 'Patches that lift a gate, by level and response; without dry runs.',
    labels: { level: PATCH_LEVELS, answer: Object.values(ANSWERS) },
  });
  const inspected = enumCounter({
    registry,
    name: 'archpolicy_gate_inspections_total',
    help: 'Inspections of images that gated pods wait for.',
    labels: { outcome: ['resolved', 'unresolved'] },
  });
  return {
    lifted: (level, reason, waitedMs) => {
      lifted.inc({ level, reason });
      waited.observe({}, waitedMs / MS_PER_SECOND);
    },
    timedOut,
    overdue,
    failed,
    patched: (level, answer) => {
      patched.inc({ level, answer: ANSWERS[answer] });
    },
    inspected: ({ kind }) => {
      inspected.inc({ outcome: kind });
    },
    ...declareGauges(registry),
  };
}

/** Declares the gauges. They are 0 until their functions are set, so that they exist from the start. */
function declareGauges(registry: Registry): Pick<GateMetrics, 'watchPods' | 'watchImages'> {
  let readPods = (): GatedPodsState => ({ pods: 0, oldestMs: 0 });
  let readImages = (): number => 0;
  observedGauge({
    registry,
    name: 'archpolicy_gate_pods',
    help: 'Pods with the gate archpolicy.dev/inspecting.',
    read: () => readPods().pods,
  });
  observedGauge({
    registry,
    name: 'archpolicy_gate_oldest_age_seconds',
    help: 'Age of the oldest pod with the gate archpolicy.dev/inspecting; 0 if there is none.',
    read: () => readPods().oldestMs / MS_PER_SECOND,
  });
  observedGauge({
    registry,
    name: 'archpolicy_gate_images',
    help: 'Images that gated pods wait for.',
    read: () => readImages(),
  });
  return {
    watchPods: (read) => {
      readPods = read;
    },
    watchImages: (read) => {
      readImages = read;
    },
  };
}

function counter(registry: Registry, name: `archpolicy_${string}`, help: string): () => void {
  const declared = enumCounter({ registry, name, help, labels: {} });
  return () => {
    declared.inc({});
  };
}
