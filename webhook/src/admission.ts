import { BatchedTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { NamespaceView, NodeView, PolicyView } from '@archpolicy/cluster-view';
import type { Inspector } from '@archpolicy/registry';
import type { Logger } from '@archpolicy/service';
import { DecisionLog } from './decision-log.ts';
import type { DecisionLogOptions } from './decision-log.ts';
import { AdmissionHandler } from './handler.ts';
import type { WebhookMetrics } from './metrics.ts';
import { AuditQueue } from './mutate/audit-queue.ts';
import { InputGatherer } from './mutate/input-gatherer.ts';
import { PodMutator } from './mutate/pod-mutator.ts';
import type { OnDecision } from './mutate/pod-mutator.ts';
import { corePlacement } from './mutate/placement.ts';
import type { ClusterViews, JobReader, PullSecrets } from './mutate/ports.ts';
import { MemoizedPlacement } from './mutate/memoized-placement.ts';

export interface AdmissionOptions {
  readonly view: {
    readonly policies: Pick<PolicyView, 'list'>;
    readonly namespaces: Pick<NamespaceView, 'get' | 'fetch'>;
    readonly nodes: Pick<NodeView, 'list'>;
  };
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly jobs: JobReader;
  readonly pullSecrets: PullSecrets;
  readonly metrics: WebhookMetrics;
  readonly clock: Clock;
  readonly logger: Logger & DecisionLogOptions['logger'];
  readonly inspectionBudgetMs: number;
  /** Whether pods may be gated. True while the operator, which lifts gates, holds a fresh Lease. */
  readonly canGate: () => boolean;
}

/** The review handler together with its background work, the audits. */
export interface Admission {
  readonly handler: AdmissionHandler;
  /** Admits pending reviews unchanged, drops queued audits, and waits for running audits. */
  close(): Promise<void>;
}

/** Wires the parts of admission. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { view, inspector, jobs, pullSecrets, metrics, clock, logger, inspectionBudgetMs } = options;
  const audits = new AuditQueue({
    onOutcome: (outcome, err) => {
      metrics.audit(outcome);
      if (outcome === 'failed') logger.error({ err }, 'audit failed');
    },
  });
  const gatherer = new InputGatherer({
    views: toClusterViews(view),
    inspector,
    pullSecrets,
    clock,
    logger,
    canGate: options.canGate,
  });
  const log = new DecisionLog({ logger, clock });
  const onDecision: OnDecision = (decided) => {
    metrics.decision(decided.policy?.spec.mode ?? 'None', decided.placed.decision);
    log.decided(decided);
  };
  const placement = new MemoizedPlacement(corePlacement);
  const mutator = new PodMutator({ gatherer, placement, jobs, audits, clock, inspectionBudgetMs, onDecision });
  const onReview = metrics.review.bind(metrics);
  const timeout = new BatchedTimeout({ clock });
  const handler = new AdmissionHandler({ mutator, timeout, clock, log, onReview });
  const close = (): Promise<void> => {
    timeout.close();
    return audits.close();
  };
  return { handler, close };
}

function toClusterViews({ policies, namespaces, nodes }: AdmissionOptions['view']): ClusterViews {
  return {
    namespace: (name) => namespaces.get(name),
    fetchNamespace: (name, signal) => namespaces.fetch(name, signal),
    policies: () => policies.list(),
    nodes: () => nodes.list(),
  };
}
