import { LANDINGS, NODE_ARCHITECTURES, REPORT_REASONS, WAIT_REASONS } from '@archpolicy/core';
import type { Landing, NodeArchitecture } from '@archpolicy/core';
import type { EventObserver, EvictionAnswer } from '@archpolicy/kube';
import { closedCounter, closedGauge, closedHistogram } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { DIRECTIONS } from './image-drift/drift-reporter.ts';
import type { Direction } from './image-drift/drift-reporter.ts';
import { DEGRADED_REASONS } from './policy/degradations.ts';
import type { DegradedReason } from './policy/degradations.ts';
import { declareBrakeMetrics } from './reporting/brake-metrics.ts';
import type { BrakeMetrics } from './reporting/brake-metrics.ts';

export const CONTROLLERS = ['remediation', 'policy'] as const;
export type Controller = (typeof CONTROLLERS)[number];

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
] as const satisfies readonly EvictionAnswer['kind'][];

/** Why a misplaced pod stays where it is. */
export const STAYING_REASONS = [...new Set([...REPORT_REASONS, ...WAIT_REASONS])];
export type StayingReason = (typeof STAYING_REASONS)[number];

const STATUS_WRITES = ['written', 'unconfirmed'] as const;
export type StatusWrite = (typeof STATUS_WRITES)[number];

const DROPS = ['queue-full', 'send-failed', 'stopped'] as const;

/** From a decision in memory to an eviction that the API server takes 10 s to refuse; seconds. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 12, 30];
const MS_PER_SECOND = 1_000;

/** What the operator counts. Declared once; every label comes from a closed set. */
export interface OperatorMetrics extends BrakeMetrics {
  readonly answer: (kind: EvictionAnswer['kind']) => void;
  readonly landing: (landing: Landing) => void;
  readonly reconciled: (controller: Controller, outcome: 'ok' | 'error', tookMs: number) => void;
  readonly statusWrite: (outcome: StatusWrite) => void;
  readonly queue: (controller: Controller, depth: number) => void;
  readonly misplaced: (pods: number) => void;
  readonly staying: (reason: StayingReason, pods: number) => void;
  /** The content behind a tag changed, and runs elsewhere. */
  readonly contentChange: (direction: Direction, architecture: NodeArchitecture) => void;
  readonly degraded: (reason: DegradedReason, policies: number) => void;
  readonly leading: (isLeading: boolean) => void;
  readonly events: EventObserver;
}

export function declareMetrics(registry: Registry): OperatorMetrics {
  return {
    ...remediationMetrics(registry),
    ...declareBrakeMetrics(registry),
    ...controllerMetrics(registry),
    ...contentMetrics(registry),
    events: eventMetrics(registry),
  };
}

function remediationMetrics(registry: Registry): Pick<OperatorMetrics, 'answer' | 'landing' | 'misplaced' | 'staying'> {
  const answers = closedCounter({
    registry,
    name: 'archpolicy_evictions_total',
    help: 'Calls of the Eviction API, by its answer.',
    labels: { result: ANSWERS },
  });
  const landings = closedCounter({
    registry,
    name: 'archpolicy_replacements_total',
    help: 'Replacements of evicted pods: right on a node that runs them, wrong on one that cannot, broken where the image is.',
    labels: { landing: LANDINGS },
  });
  const misplaced = closedGauge({
    registry,
    name: 'archpolicy_misplaced_pods',
    help: 'Pods on a node that cannot run all of their images.',
    labels: {},
  });
  const staying = closedGauge({
    registry,
    name: 'archpolicy_pods_not_evicted',
    help: 'Pods that need attention and stay where they are, by reason.',
    labels: { reason: STAYING_REASONS },
  });
  return {
    answer: (result) => {
      answers.inc({ result });
    },
    landing: (landing) => {
      landings.inc({ landing });
    },
    misplaced: (pods) => {
      misplaced.set({}, pods);
    },
    staying: (reason, pods) => {
      staying.set({ reason }, pods);
    },
  };
}

function contentMetrics(registry: Registry): Pick<OperatorMetrics, 'contentChange'> {
  const changes = closedCounter({
    registry,
    name: 'archpolicy_image_architecture_changes_total',
    help: 'Architectures that the contents behind tags lost or gained.',
    labels: { direction: DIRECTIONS, architecture: NODE_ARCHITECTURES },
  });
  return {
    contentChange: (direction, architecture) => {
      changes.inc({ direction, architecture });
    },
  };
}

function controllerMetrics(
  registry: Registry,
): Pick<OperatorMetrics, 'reconciled' | 'statusWrite' | 'queue' | 'degraded' | 'leading'> {
  const durations = closedHistogram({
    registry,
    name: 'archpolicy_reconcile_duration_seconds',
    help: 'Time of one reconcile.',
    labels: { controller: CONTROLLERS, outcome: ['ok', 'error'] },
    buckets: DURATION_BUCKETS,
  });
  const writes = closedCounter({
    registry,
    name: 'archpolicy_status_writes_total',
    help: 'Writes of a policy’s status; unconfirmed ones are tried again.',
    labels: { outcome: STATUS_WRITES },
  });
  const depth = closedGauge({
    registry,
    name: 'archpolicy_queue_depth',
    help: 'Keys that wait for a worker.',
    labels: { controller: CONTROLLERS },
  });
  const degraded = closedGauge({
    registry,
    name: 'archpolicy_degraded_policies',
    help: 'Policies whose condition Degraded is True, by its reason.',
    labels: { reason: DEGRADED_REASONS },
  });
  const leader = closedGauge({
    registry,
    name: 'archpolicy_leader',
    help: '1 while this process holds the Lease.',
    labels: {},
  });
  leader.set({}, 0);
  return {
    reconciled: (controller, outcome, tookMs) => {
      durations.observe({ controller, outcome }, tookMs / MS_PER_SECOND);
    },
    statusWrite: (outcome) => {
      writes.inc({ outcome });
    },
    queue: (controller, keys) => {
      depth.set({ controller }, keys);
    },
    degraded: (reason, policies) => {
      degraded.set({ reason }, policies);
    },
    leading: (isLeading) => {
      leader.set({}, isLeading ? 1 : 0);
    },
  };
}

function eventMetrics(registry: Registry): EventObserver {
  const sent = closedCounter({ registry, name: 'archpolicy_events_sent_total', help: 'Events written.', labels: {} });
  const dropped = closedCounter({
    registry,
    name: 'archpolicy_events_dropped_total',
    help: 'Events that were not written.',
    labels: { reason: DROPS },
  });
  return {
    sent: () => {
      sent.inc({});
    },
    dropped: (reason) => {
      dropped.inc({ reason });
    },
  };
}
