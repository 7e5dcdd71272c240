import { withGracePeriod } from '@archpolicy/async';
import type { Clock, Random } from '@archpolicy/async';
import { EvictionLedger, EvictionPace } from '@archpolicy/core';
import type { ClusterViewWithPods, CronJobView, PullSecretView } from '@archpolicy/cluster-view';
import { evict } from '@archpolicy/kube';
import type { Api, EventRecorder, Leadership, OwnerReference } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { CertificateState } from './certificates/certificate-controller.ts';
import { DriftMonitor } from './image-drift/drift-monitor.ts';
import { GateController } from './gate/gate-controller.ts';
import type { GateMetrics } from './gate/metrics.ts';
import type { Inspector } from './gate/ports.ts';
import type { RawPodCache } from './gate/raw-pod-cache.ts';
import { KeepWarm } from './keep-warm/keep-warm.ts';
import type { KeepWarmMetrics } from './keep-warm/metrics.ts';
import type { OperatorMetrics } from './metrics.ts';
import { PolicyStatuses } from './policy/statuses.ts';
import { PullSecretReader } from './pull-secrets.ts';
import { buildRemediation } from './remediation/build-remediation.ts';
import { NO_PLATFORM_CHECKS } from './remediation/ports.ts';
import type { PlatformChecks } from './remediation/ports.ts';
import { ApiReader } from './remediation/evaluation/api-reader.ts';
import { InspectedImages } from './remediation/evaluation/images.ts';
import { RegistryPlatformChecks } from './remediation/evaluation/platform-checks.ts';
import type { RegistryPlatformChecksOptions } from './remediation/evaluation/platform-checks.ts';
import type { NodeReservations } from './remediation/evaluation/node-reservations.ts';
import type { ReadinessHistory } from './remediation/evaluation/readiness-history.ts';
import type { UnschedulableHistory } from './remediation/evaluation/unschedulable-history.ts';
import { PolicyPodStats } from './statistics/policy-pod-stats.ts';
import { WebhookConfiguration } from './webhook-health/webhook-configuration.ts';
import { TolerationMonitor } from './webhook-health/toleration-monitor.ts';
import { TolerationProbe } from './webhook-health/toleration-probe.ts';
import { WebhookProbe } from './webhook-health/probe/webhook-probe.ts';
import { WebhookReporter } from './webhook-health/webhook-reporter.ts';
import { WebhookHealth } from './webhook-health/webhook-health.ts';
import { RecordStore } from './remediation/safety-record/record-store.ts';
import { SafetyRecorder } from './remediation/safety-record/safety-recorder.ts';
import { EvictionPipeline } from './remediation/queue/eviction-pipeline.ts';
import { ResyncProgress } from './remediation/resync/progress.ts';
import { Resync } from './remediation/resync/resync.ts';
import { RecheckSchedule } from './remediation/resync/schedule.ts';
import { BrakeMonitor } from './reporting/brake-monitor.ts';
import { runGroup } from './run-group.ts';
import { ViewAgeCheck } from './view-age-check.ts';
import type { Runnable } from './run-group.ts';

/**
 * How long a shutdown waits for the responses to evictions that were sent before. It sends no further ones. An accepted eviction
 * without its response would be in no event and no counter.
 */
const ANSWER_WAIT_MS = 2_000;

export interface LeaderOptions {
  readonly api: Pick<Api, 'request'>;
  readonly views: ClusterViewWithPods;
  /** Receives every pod of the views. */
  readonly rawPods: RawPodCache;
  /** Observes every pod of the views. */
  readonly readiness: ReadinessHistory;
  readonly unschedulable: UnschedulableHistory;
  readonly reservations: NodeReservations;
  readonly inspector: Inspector;
  /**
   * Checks platforms for the webhook. Absent without a shared cache, because the webhook could not read the results.
   */
  readonly platformChecker?: RegistryPlatformChecksOptions['inspector'];
  readonly pullSecrets: PullSecretView & {
    /** For reads that no pod waits for. */
    readonly background: PullSecretView;
  };
  /** The webhook's Lease. */
  readonly webhookLease: { isFresh(): boolean };
  /** Of all policies together. */
  readonly maxEvictionsPerMinute: number;
  /** The namespace in which ArchPolicy runs. */
  readonly namespace: string;
  /** Returns the operator's Deployment, with which objects that the leader creates are deleted. */
  readonly owner: () => OwnerReference | undefined;
  /** The name of this replica. */
  readonly instance: string;
  /** The state of the webhook's certificates, which each replica keeps in order. */
  readonly certificates: CertificateState;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: OperatorMetrics;
  readonly gateMetrics: GateMetrics;
  /** Absent: keep-warm is off. */
  readonly keepWarm?: { readonly cronJobs: CronJobView; readonly metrics: KeepWarmMetrics };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Runs the leader's work, from acquiring the Lease until it is released or lost. The views must have synced. Otherwise
 * pods would seem to have no policy, and policies would seem to have no pods.
 */
export async function runAsLeader(options: LeaderOptions, leadership: Leadership): Promise<void> {
  const { parts, record, statuses } = buildLeader(options, leadership);
  let isRunning = true;
  options.metrics.leading(() => isRunning && leadership.isHeld());
  try {
    await runGroup(parts, leadership.signal);
    // Now all evictions have ended, and the slots of rejected ones are free.
    await Promise.all([record.writeLast(), statuses.writeLast()]);
  } finally {
    isRunning = false;
  }
}

interface LeaderParts {
  readonly parts: readonly Runnable[];
  readonly record: SafetyRecorder;
  readonly statuses: Pick<PolicyStatuses, 'writeLast'>;
}

/**
 * Builds the leader's parts in the order of their dependencies, so that a part can subscribe to changes of parts that
 * were built before it.
 */
function buildLeader(options: LeaderOptions, lease: Pick<Leadership, 'isHeld'>): LeaderParts {
  const { api, views, clock, logger } = options;
  const stats = new PolicyPodStats(clock);
  const getPolicy = (pod: string): string | undefined => stats.get(pod)?.policy;
  const ledger = new EvictionLedger(clock.monotonic(), new EvictionPace(options.maxEvictionsPerMinute));
  const progress = new ResyncProgress(clock);
  const record = safetyRecorder(options, ledger);
  const brake = new BrakeMonitor({ ...options, ledger, policies: views.policies });
  const configuration = new WebhookConfiguration(options);
  const webhook = webhookHealth(options, configuration);
  const tolerations = tolerationMonitor(options);
  const drift = new DriftMonitor({ ...options, getPolicy });
  const { inspector } = drift;
  const { losses } = drift;
  const observed = { ...options, stats, progress, brake, record, webhook, tolerations, drift, losses };
  const statuses = new PolicyStatuses({ ...observed, isLeading: () => lease.isHeld() });
  const pipeline = new EvictionPipeline(clock);
  const reader = new ApiReader(api, logger);
  const built = buildRemediation({
    ...observed,
    ...{ pipeline, ledger, lease, statuses, reader, jobs: reader },
    images: new InspectedImages({ ...inBackground(options), inspector }),
    checks: platformChecks(options),
    evict: (target, signal) =>
      withGracePeriod({ clock, ms: ANSWER_WAIT_MS, signal }, (until) => evict(api, target, until)),
  });
  const { remediation, replacements } = built;
  record.onRestored(() => {
    remediation.enqueue(replacements.resume());
  });
  const schedule = new RecheckSchedule({ ...observed, pods: stats, policies: views.policies, queue: remediation });
  const resync = new Resync({ ...observed, ...built, configuration, schedule });
  options.metrics.watchPods(stats);
  options.metrics.watchProgress(progress);
  options.metrics.watchPolicies({ list: () => views.policies.list(), counts: (policy) => stats.counts(policy), clock });
  options.metrics.watchQueue('remediation', pipeline);
  const gate = gateController({ ...options, inspector });
  const warm = keepWarm({ ...options, inspector }, getPolicy);
  const age = new ViewAgeCheck({ views, clock });
  const reach = new WebhookReporter({ ...observed, policies: views.policies });
  const observers = [record, brake, configuration, reach, webhook, tolerations, drift, statuses];
  return { record, statuses, parts: [...observers, remediation, resync, gate, age, ...warm] };
}

function safetyRecorder(options: LeaderOptions, ledger: EvictionLedger): SafetyRecorder {
  const { views, instance: writer } = options;
  return new SafetyRecorder({ ...options, store: new RecordStore(options), ledger, policies: views.policies, writer });
}

/** Returns the options with reads of pull secrets that no pod waits for. */
function inBackground(
  options: LeaderOptions,
): Omit<LeaderOptions, 'pullSecrets'> & { readonly pullSecrets: PullSecretView } {
  return { ...options, pullSecrets: options.pullSecrets.background };
}

function platformChecks(options: LeaderOptions): PlatformChecks {
  const { platformChecker: inspector } = options;
  return inspector === undefined
    ? NO_PLATFORM_CHECKS
    : new RegistryPlatformChecks({ ...inBackground(options), inspector });
}

function keepWarm(options: LeaderOptions, getPolicy: (pod: string) => string | undefined): readonly Runnable[] {
  if (options.keepWarm === undefined) return [];
  const { cronJobs, metrics } = options.keepWarm;
  const { pods, namespaces, policies } = options.views;
  const sources = { pods, namespaces, policies, cronJobs, getPolicy, pullSecrets: options.pullSecrets.background };
  return [new KeepWarm({ ...options, sources, metrics })];
}

function webhookHealth(options: LeaderOptions, configuration: WebhookConfiguration): WebhookHealth {
  const probe = new WebhookProbe({ ...options, onProbe: options.metrics.webhookProbe });
  return new WebhookHealth({
    ...options,
    configuration,
    lease: options.webhookLease,
    namespaces: options.views.namespaces,
    probe: (deadline) => probe.probe(deadline),
    diagnose: (durationMs, deadline) => probe.diagnose(durationMs, configuration.calls, deadline),
  });
}

function tolerationMonitor(options: LeaderOptions): TolerationMonitor {
  const probe = new TolerationProbe(options);
  return new TolerationMonitor({
    ...options,
    probe: (architectures, signal) => probe.probe(architectures, signal),
  });
}

function gateController(options: LeaderOptions): GateController {
  const pullSecrets = new PullSecretReader(options.pullSecrets);
  return new GateController({
    ...options,
    view: options.views,
    pullSecrets,
    metrics: options.gateMetrics,
    controllerMetrics: options.metrics,
  });
}
