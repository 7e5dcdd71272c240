import type { Clock } from '@archpolicy/async';
import type { EvictionLedger, PodFacts } from '@archpolicy/core';
import type { EventInput } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { ControllerMetrics } from '../controller-metrics.ts';
import type { RemediationMetrics } from '../reporting/metrics.ts';
import { Reporter } from '../reporting/reporter.ts';
import type { PolicyPodStats } from '../statistics/policy-pod-stats.ts';
import { EvaluationRetry } from './evaluation/evaluation-retry.ts';
import { ContextGatherer } from './evaluation/context-gatherer.ts';
import type { NodeReservations } from './evaluation/node-reservations.ts';
import { PodEvaluator } from './evaluation/pod-evaluator.ts';
import type { ReadinessHistory } from './evaluation/readiness-history.ts';
import type { UnschedulableHistory } from './evaluation/unschedulable-history.ts';
import { EvictionAttempts } from './eviction-attempts.ts';
import { Evictor } from './eviction/evictor.ts';
import { PlacementViolations } from './eviction/placement-violations.ts';
import { Replacements } from './eviction/replacements.ts';
import type {
  Evict,
  EvictionRecord,
  Jobs,
  Lease,
  Namespaces,
  NodeReader,
  Nodes,
  PlatformChecks,
  PodImages,
  PodReader,
  Pods,
  Policies,
  PolicyUpdates,
  Webhook,
} from './ports.ts';
import type { Pipeline } from './queue/eviction-pipeline.ts';
import { LimitQueues } from './queue/limit-queues.ts';
import { Remediation } from './remediation.ts';
import { BulkEnqueue } from './resync/bulk-enqueue.ts';
import { EnqueueAll } from './resync/enqueue-all.ts';
import type { ResyncProgress } from './resync/progress.ts';

/** The parts of the operator that remediation depends on. All of them are built before remediation. */
export interface RemediationParts {
  readonly views: {
    readonly pods: Pods & { entries(): Iterable<readonly [string, PodFacts]> };
    readonly nodes: Nodes;
    readonly namespaces: Namespaces;
    readonly policies: Policies;
  };
  readonly pipeline: Pipeline & { readonly evaluations: { readonly length: number; add(key: string): void } };
  readonly progress: ResyncProgress;
  readonly ledger: EvictionLedger;
  readonly stats: PolicyPodStats;
  readonly readiness: Pick<ReadinessHistory, 'hasBeenReady' | 'getCrashes'>;
  readonly unschedulable: Pick<UnschedulableHistory, 'forMs'>;
  readonly reservations: Pick<NodeReservations, 'on'>;
  readonly webhook: Webhook;
  readonly images: PodImages;
  readonly checks: PlatformChecks;
  readonly jobs: Jobs;
  readonly reader: PodReader & NodeReader;
  readonly evict: Evict;
  readonly record: EvictionRecord;
  readonly lease: Lease;
  readonly statuses: PolicyUpdates;
  readonly events: { record(event: EventInput, onDropped?: () => void): void };
  readonly metrics: RemediationMetrics & Pick<ControllerMetrics, 'reconciled'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Remediation, together with those of its parts that resync and tests use directly. */
export interface BuiltRemediation {
  readonly remediation: Remediation;
  readonly enqueueAll: EnqueueAll;
  readonly bulk: BulkEnqueue;
  readonly limitQueues: LimitQueues;
  readonly attempts: EvictionAttempts;
  readonly replacements: Replacements;
}

/** Builds remediation, for the operator and for tests with other ports. */
export function buildRemediation(parts: RemediationParts): BuiltRemediation {
  const { views, pipeline, clock, ledger } = parts;
  const { pods, nodes } = views;
  const attempts = new EvictionAttempts();
  const gatherer = new ContextGatherer({ ...parts, ...views });
  const evaluator = new PodEvaluator({ ...parts, nodes, attempts });
  const evictor = new Evictor({ ...parts, gatherer, evaluator, attempts });
  const limitQueues = new LimitQueues({ ledger, clock });
  const replacements = new Replacements({ pods, ledger, clock });
  const violations = new PlacementViolations({ ...parts, nodes });
  const enqueueAll = new EnqueueAll({ ...parts, pods, queue: pipeline.evaluations });
  const remediation = new Remediation({
    ...parts,
    ...{ nodes, attempts, gatherer, evaluator, evictor, limitQueues, replacements, violations, enqueueAll },
    retry: new EvaluationRetry(),
    reporter: new Reporter(parts),
  });
  const bulk = new BulkEnqueue({ ...parts, queue: pipeline.evaluations });
  return { remediation, enqueueAll, bulk, limitQueues, attempts, replacements };
}
