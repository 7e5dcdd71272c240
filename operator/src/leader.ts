import type { ClusterViewWithPods, CronJobView, PullSecretView } from '@archpolicy/cluster-view';
import { podKey } from '@archpolicy/cluster-view';
import { evict } from '@archpolicy/kube';
import type { Api, Clock, EventRecorder, Leadership } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { DriftMonitor } from './image-drift/drift-monitor.ts';
import { GateController } from './gate/gate-controller.ts';
import type { GateMetrics } from './gate/metrics.ts';
import type { Inspector, Random } from './gate/ports.ts';
import type { RawPods } from './gate/raw-pods.ts';
import { KeepWarm } from './keep-warm/keep-warm.ts';
import type { KeepWarmMetrics } from './keep-warm/metrics.ts';
import type { OperatorMetrics } from './metrics.ts';
import { PolicyStatuses } from './policy/statuses.ts';
import type { StatusFacts } from './policy/statuses.ts';
import { PullSecretReader } from './pull-secrets.ts';
import { ApiReader } from './remediation/evaluation/api-reader.ts';
import { InspectedImages } from './remediation/evaluation/images.ts';
import { Remediation } from './remediation/remediation.ts';
import type { ReadinessHistory } from './remediation/evaluation/readiness-history.ts';
import { WebhookConfiguration } from './webhook-health/webhook-configuration.ts';
import { WebhookProbe } from './webhook-health/webhook-probe.ts';
import { WebhookHealth } from './webhook-health/webhook-health.ts';
import { runGroup } from './run-group.ts';
import type { Runnable } from './run-group.ts';

export interface LeaderOptions {
  readonly api: Pick<Api, 'request'>;
  readonly views: ClusterViewWithPods;
  /** Receives every pod of the views. */
  readonly rawPods: RawPods;
  /** Observes every pod of the views. */
  readonly readiness: ReadinessHistory;
  readonly inspector: Inspector;
  readonly pullSecrets: PullSecretView;
  /** The webhook's Lease. */
  readonly webhookLease: { isFresh(): boolean };
  /** Where ArchPolicy itself runs. */
  readonly namespace: string;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly metrics: OperatorMetrics;
  readonly gateMetrics: GateMetrics;
  /** Absent: keep-warm is off. */
  readonly keepWarm?: { readonly cronJobs: CronJobView; readonly metrics: KeepWarmMetrics };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Does everything that only the leader does, from acquiring the Lease until it is released or lost. */
export async function runAsLeader(options: LeaderOptions, leadership: Leadership): Promise<void> {
  const { signal } = leadership;
  const { api, views, metrics, logger } = options;
  metrics.leading(true);
  try {
    // What is missing in the view would look like pods without policies, or policies without pods.
    await views.synced(signal);
    const reader = new ApiReader(api, logger);
    const { webhook, configuration } = webhookHealth(options);
    configuration.subscribe(() => {
      remediation.webhookChanged();
    });
    const policies = new PolicyStatuses({ ...options, isLeading: () => leadership.isHeld() });
    const drift: DriftMonitor = new DriftMonitor({ ...options, policyOf: (pod) => remediation.tally.get(pod)?.policy });
    drift.subscribe((image) => {
      remediation.lookAt(views.pods.byImage(image).map(podKey));
      policies.touchAll();
    });
    const remediation: Remediation = new Remediation(
      {
        ...options,
        webhook,
        images: new InspectedImages(drift.inspector, options.pullSecrets),
        jobs: reader,
        reader,
        evict: (target, deadline) => evict(api, target, deadline),
        onCounts: (policy) => {
          policies.touch(policy);
        },
        onRelax: (policy, workload, untilMs) => {
          policies.relax(policy, workload, untilMs);
        },
        onEvicted: (policy) => {
          policies.evicted(policy);
        },
      },
      leadership,
    );
    const gate = gateController({ ...options, inspector: drift.inspector });
    const facts: StatusFacts = {
      counts: (policy) => remediation.tally.counts(policy),
      lastRecheckMs: () => remediation.lastRecheckMs,
      webhookReachable: () => webhook.isReachable(),
      brake: () => remediation.brake,
      losses: (policy) => drift.lossesOf(policy),
    };
    const statuses = { run: (until: AbortSignal) => policies.run(facts, until) };
    const warm = keepWarm({ ...options, inspector: drift.inspector }, (pod) => remediation.tally.get(pod)?.policy);
    await runGroup([gate, configuration, webhook, remediation, statuses, ...warm], signal);
  } finally {
    metrics.leading(false);
  }
}

function keepWarm(options: LeaderOptions, policyOf: (pod: string) => string | undefined): readonly Runnable[] {
  if (options.keepWarm === undefined) return [];
  const { cronJobs, metrics } = options.keepWarm;
  const { pods, namespaces, policies } = options.views;
  const sources = { pods, namespaces, policies, cronJobs, policyOf, pullSecrets: options.pullSecrets };
  return [new KeepWarm({ ...options, sources, metrics })];
}

function webhookHealth(options: LeaderOptions): {
  readonly webhook: WebhookHealth;
  readonly configuration: WebhookConfiguration;
} {
  const probe = new WebhookProbe(options);
  const configuration = new WebhookConfiguration(options);
  const webhook = new WebhookHealth({
    ...options,
    configuration,
    lease: options.webhookLease,
    probe: (deadline) => probe.probe(deadline),
  });
  return { webhook, configuration };
}

function gateController(options: LeaderOptions): GateController {
  const pullSecrets = new PullSecretReader(options.pullSecrets);
  return new GateController({ ...options, view: options.views, pullSecrets, metrics: options.gateMetrics });
}
