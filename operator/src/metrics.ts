import type { EventObserver } from '@archpolicy/kube';
import { enumCounter, observedGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { declareControllerMetrics } from './controller-metrics.ts';
import type { ControllerMetrics } from './controller-metrics.ts';
import { declareDriftMetrics } from './image-drift/metrics.ts';
import type { DriftMetrics } from './image-drift/metrics.ts';
import { declarePolicyMetrics } from './policy/metrics.ts';
import type { PolicyMetrics } from './policy/metrics.ts';
import { declareRemediationMetrics } from './reporting/metrics.ts';
import type { RemediationMetrics } from './reporting/metrics.ts';
import { declareRecordMetrics } from './reporting/record-metrics.ts';
import type { RecordMetrics } from './reporting/record-metrics.ts';
import { declareWebhookHealthMetrics } from './webhook-health/metrics.ts';
import type { WebhookHealthMetrics } from './webhook-health/metrics.ts';

const DROPS = ['queue-full', 'send-failed', 'stopped'] as const;

/** The operator's metrics. Each label has a closed set of values. */
export interface OperatorMetrics
  extends ControllerMetrics, DriftMetrics, PolicyMetrics, RecordMetrics, RemediationMetrics, WebhookHealthMetrics {
  /** Sets the function that returns whether this process leads. It is called at each scrape. */
  readonly leading: (isLeading: () => boolean) => void;
  readonly events: EventObserver;
}

/** Declares the metrics, once for each registry. */
export function declareMetrics(registry: Registry): OperatorMetrics {
  return {
    ...declareRemediationMetrics(registry),
    ...declareRecordMetrics(registry),
    ...declareControllerMetrics(registry),
    ...declarePolicyMetrics(registry),
    ...declareDriftMetrics(registry),
    ...declareWebhookHealthMetrics(registry),
    leading: leaderMetric(registry),
    events: eventMetrics(registry),
  };
}

function leaderMetric(registry: Registry): OperatorMetrics['leading'] {
  let read: (() => boolean) | undefined;
  observedGauge({
    registry,
    name: 'archpolicy_leader',
    help: '1 while this process holds the Lease and does the work of the leader.',
    read: () => (read?.() === true ? 1 : 0),
  });
  return (isLeading) => {
    read = isLeading;
  };
}

function eventMetrics(registry: Registry): EventObserver {
  const sent = enumCounter({ registry, name: 'archpolicy_events_sent_total', help: 'Events written.', labels: {} });
  const dropped = enumCounter({
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
