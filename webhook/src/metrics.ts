import { PLACEMENT_REASONS } from '@archpolicy/core';
import type { PlacementDecision } from '@archpolicy/core';
import { READ_OUTCOMES } from '@archpolicy/process';
import type { ReadOutcome } from '@archpolicy/process';
import { enumCounter, enumHistogram, observedGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { REJECTION_REASONS } from './tls/client-rejections.ts';
import type { ClientRejection } from './tls/client-rejections.ts';

/** How a review ended. */
export const REVIEW_OUTCOMES = [
  /** The response contains a placement decision. */
  'decided',
  /** The request does not create a pod. */
  'ignored',
  /** The body is not an AdmissionReview. */
  'malformed',
  /** The body or the pod exceeds a size limit. */
  'excessive',
  /** The body did not arrive by the deadline, or it was the slowest when too many bodies were in memory. */
  'dropped',
  /** The review queue rejected the review, because it could not start in time. */
  'shed',
  /** The decision was not complete at the deadline of the review. */
  'late',
  /** The decision threw an error, which is a bug. */
  'failed',
] as const;
export type ReviewOutcome = (typeof REVIEW_OUTCOMES)[number];

/** The values of the label `mode`: the mode of the governing policy, or `None` if no policy matches. */
const DECISION_MODES = ['Enforce', 'Audit', 'None'] as const;
export type DecisionMode = (typeof DECISION_MODES)[number];
const DECISION_KINDS = ['constrain', 'leave', 'gate', 'deny'] as const satisfies readonly PlacementDecision['kind'][];

/**
 * Upper bounds of the duration buckets, seconds. Buckets up to 0.01 are for reviews with cached images. The other
 * buckets are for reviews that wait for inspections; the longest deadline of a review is 1.5 s.
 */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2];

const AUDIT_OUTCOMES = ['done', 'dropped', 'failed'] as const;

const MS_PER_SECOND = 1_000;

/** The functions that return the values of the gauges. They are called at each scrape. */
export interface GaugeSources {
  readonly inFlight: () => number;
  /** The expiry of the serving certificate, epoch milliseconds. NaN while there is no certificate. */
  readonly certificateExpiryMs: () => number;
  /** Whether pods may be gated. */
  readonly canGate: () => boolean;
}

export interface WebhookMetrics {
  review(outcome: ReviewOutcome, tookMs: number): void;
  decision(mode: DecisionMode, decision: PlacementDecision): void;
  audit(outcome: (typeof AUDIT_OUTCOMES)[number]): void;
}

/** Declares the webhook's metrics. */
export function declareMetrics(registry: Registry, observed: GaugeSources): WebhookMetrics {
  const reviews = enumCounter({
    registry,
    name: 'archpolicy_admission_reviews_total',
    help: 'Admission reviews, by outcome.',
    labels: { outcome: REVIEW_OUTCOMES },
  });
  const decisions = enumCounter({
    registry,
    name: 'archpolicy_admission_decisions_total',
    help: 'Placement decisions, by mode of the policy, kind and reason.',
    labels: { mode: DECISION_MODES, kind: DECISION_KINDS, reason: PLACEMENT_REASONS },
  });
  const duration = enumHistogram({
    registry,
    name: 'archpolicy_admission_duration_seconds',
    help: 'Time from receiving the headers of a review to its response.',
    labels: {},
    buckets: DURATION_BUCKETS,
  });
  const audits = enumCounter({
    registry,
    name: 'archpolicy_admission_audits_total',
    help: 'Inspections after the response, for policies in Audit mode.',
    labels: { outcome: AUDIT_OUTCOMES },
  });
  observedGauge({
    registry,
    name: 'archpolicy_admission_in_flight',
    help: 'Reviews being read, queued or processed.',
    read: observed.inFlight,
  });
  observedGauge({
    registry,
    name: 'archpolicy_admission_can_gate',
    help: '1 while the operator, which lifts gates, holds its Lease; at 0 no pod is gated.',
    read: () => (observed.canGate() ? 1 : 0),
  });
  observedGauge({
    registry,
    name: 'archpolicy_certificate_expiry_timestamp_seconds',
    help: 'When the serving certificate expires.',
    read: () => observed.certificateExpiryMs() / MS_PER_SECOND,
  });
  return {
    review: (outcome, tookMs) => {
      reviews.inc({ outcome });
      duration.observe({}, tookMs / MS_PER_SECOND);
    },
    decision: (mode, { kind, reason }) => {
      decisions.inc({ mode, kind, reason });
    },
    audit: (outcome) => {
      audits.inc({ outcome });
    },
  };
}

/** Declares the metric of connections that are closed because there are too many. Returns the function that counts one. */
export function declareConnectionMetrics(registry: Registry): () => void {
  const closed = enumCounter({
    registry,
    name: 'archpolicy_admission_connections_closed_total',
    help: 'Idle connections that were closed because there were too many.',
    labels: {},
  });
  return () => {
    closed.inc({});
  };
}

/** Declares the metrics of client certificates. */
export function declareClientCaMetrics(registry: Registry): {
  readonly onRead: (outcome: ReadOutcome) => void;
  readonly onRejected: (reason: ClientRejection['reason']) => void;
} {
  const reads = enumCounter({
    registry,
    name: 'archpolicy_client_ca_reads_total',
    help: 'Reads of the client CA file that did not find the content in use, by outcome.',
    labels: { outcome: READ_OUTCOMES },
  });
  const rejected = enumCounter({
    registry,
    name: 'archpolicy_admission_clients_rejected_total',
    help: 'Connections that were rejected because of the client certificate, by reason.',
    labels: { reason: REJECTION_REASONS },
  });
  return {
    onRead: (outcome) => {
      reads.inc({ outcome });
    },
    onRejected: (reason) => {
      rejected.inc({ reason });
    },
  };
}

/** Declares the metric of certificate reads. Returns the function that counts one read. */
export function declareCertificateMetrics(registry: Registry): (outcome: ReadOutcome) => void {
  const reads = enumCounter({
    registry,
    name: 'archpolicy_certificate_reads_total',
    help: 'Reads of the serving certificate that did not find the one in use, by outcome.',
    labels: { outcome: READ_OUTCOMES },
  });
  return (outcome) => {
    reads.inc({ outcome });
  };
}
