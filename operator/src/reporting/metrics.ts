import { PLACEMENT_OUTCOMES, REPORT_REASONS, WAIT_REASONS } from '@archpolicy/core';
import type { PlacementOutcome } from '@archpolicy/core';
import type { EvictionResult } from '@archpolicy/kube';
import { enumCounter, observedEnumGauge, observedGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { declareBrakeMetrics } from './brake-metrics.ts';
import type { BrakeMetrics } from './brake-metrics.ts';

const ANSWERS = [
  'evicted',
  'gone',
  'conflict',
  'budget',
  'throttled',
  'several-budgets',
  'forbidden',
  'invalid',
  'failed',
  'no-answer',
] as const satisfies readonly EvictionResult['kind'][];

/** The reasons why a misplaced, broken or unschedulable pod is not evicted. */
const NOT_EVICTED_REASONS = [...new Set([...REPORT_REASONS, ...WAIT_REASONS])];
type NotEvictedReason = (typeof NOT_EVICTED_REASONS)[number];

/** The pods that a leader has evaluated. */
export interface PodCounts {
  readonly misplaced: number;
  /** How long the oldest misplaced pod has been misplaced, milliseconds; 0 if no pod is. */
  readonly oldestMisplacedMs: number;
  notEvicted(reason: NotEvictedReason): number;
}

/** The progress of evaluating all pods. */
export interface EvaluationProgress {
  /** When the last evaluation of all pods was complete, epoch milliseconds; undefined before the first. */
  readonly completedAtMs: number | undefined;
  /** The number of pods that have not been evaluated since the start or the last change of policies. */
  readonly pending: number;
}

const MS_PER_SECOND = 1_000;

/** The metrics of remediation. */
export interface RemediationMetrics extends BrakeMetrics {
  readonly answer: (kind: EvictionResult['kind']) => void;
  readonly landing: (landing: PlacementOutcome) => void;
  /** Sets the counts of pods. They are read at each scrape. */
  readonly watchPods: (counts: PodCounts) => void;
  /** Sets the progress of evaluating all pods. It is read at each scrape. */
  readonly watchProgress: (progress: EvaluationProgress) => void;
}

/** Declares the metrics, once for each registry. */
export function declareRemediationMetrics(registry: Registry): RemediationMetrics {
  const answers = enumCounter({
    registry,
    name: 'archpolicy_evictions_total',
    help: 'Calls of the Eviction API, by result.',
    labels: { result: ANSWERS },
  });
  const landings = enumCounter({
    registry,
    name: 'archpolicy_replacements_total',
    help: 'Replacements of evicted pods: right (the node supports their images), wrong (it does not) or broken (the image is broken).',
    labels: { landing: PLACEMENT_OUTCOMES },
  });
  return {
    ...declareBrakeMetrics(registry),
    answer: (result) => {
      answers.inc({ result });
    },
    landing: (landing) => {
      landings.inc({ landing });
    },
    watchPods: declarePodGauges(registry),
    watchProgress: declareProgressGauges(registry),
  };
}

/** Declares gauges that are 0 until this process leads. */
function declarePodGauges(registry: Registry): RemediationMetrics['watchPods'] {
  let counts: PodCounts | undefined;
  observedGauge({
    registry,
    name: 'archpolicy_misplaced_pods',
    help: 'Pods on a node that cannot run all of their images.',
    read: () => counts?.misplaced ?? 0,
  });
  observedGauge({
    registry,
    name: 'archpolicy_misplaced_oldest_age_seconds',
    help: 'How long the oldest misplaced pod has been misplaced, as far as this leader has observed it; 0 if no pod is.',
    read: () => (counts?.oldestMisplacedMs ?? 0) / MS_PER_SECOND,
  });
  observedEnumGauge({
    registry,
    name: 'archpolicy_pods_not_evicted',
    help: 'Pods that need attention and are not evicted, by reason.',
    labels: { reason: NOT_EVICTED_REASONS },
    read: () => NOT_EVICTED_REASONS.map((reason) => [{ reason }, counts?.notEvicted(reason) ?? 0]),
  });
  return (source) => {
    counts = source;
  };
}

function declareProgressGauges(registry: Registry): RemediationMetrics['watchProgress'] {
  let progress: EvaluationProgress | undefined;
  observedGauge({
    registry,
    name: 'archpolicy_last_recheck_timestamp_seconds',
    help: 'When the last evaluation of all pods was complete. Absent until this leader has evaluated all pods once.',
    read: () => progress?.completedAtMs && progress.completedAtMs / MS_PER_SECOND,
  });
  observedGauge({
    registry,
    name: 'archpolicy_recheck_pending_pods',
    help: 'Pods that have not been evaluated since the start or the last change of policies.',
    read: () => progress?.pending ?? 0,
  });
  return (source) => {
    progress = source;
  };
}
