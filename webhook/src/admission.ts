import { BatchedTimeout } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import type { NamespaceView, NodeView, PolicyView } from '@archpolicy/cluster-view';
import type { Inspector } from '@archpolicy/registry';
import type { Logger } from '@archpolicy/service';
import { AdmissionHandler } from './handler.ts';
import type { WebhookMetrics } from './metrics.ts';
import { AuditQueue } from './mutate/audit-queue.ts';
import { Gather } from './mutate/gather.ts';
import { Mutate } from './mutate/mutate.ts';
import type { OnDecision } from './mutate/mutate.ts';
import { placement as freshPlacement } from './mutate/placement.ts';
import type { ClusterViews, ImageInspector, Jobs, PullSecrets } from './mutate/ports.ts';
import { RememberedPlacement } from './mutate/remembered-placement.ts';

export interface AdmissionOptions {
  readonly view: {
    readonly policies: Pick<PolicyView, 'list'>;
    readonly namespaces: Pick<NamespaceView, 'get' | 'fetch'>;
    readonly nodes: Pick<NodeView, 'list'>;
  };
  readonly inspector: Pick<Inspector, 'inspect'>;
  readonly jobs: Jobs;
  readonly pullSecrets: PullSecrets;
  readonly metrics: WebhookMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inspectionBudgetMs: number;
  /** Whether somebody is there to lift a gate: the operator's Lease is fresh. */
  readonly canGate: () => boolean;
}

/** What answers reviews, and what it does after its answers. */
export interface Admission {
  readonly handler: AdmissionHandler;
  /** Answers pending reviews without a decision, drops waiting audits, and waits for running ones. */
  close(): Promise<void>;
}

/** Puts the parts of admission together. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { view, jobs, pullSecrets, metrics, clock, logger, inspectionBudgetMs } = options;
  const inspector: ImageInspector = options.inspector;
  const audits = new AuditQueue({
    onOutcome: (outcome, err) => {
      metrics.audit(outcome);
      if (outcome === 'failed') logger.error({ err }, 'an audit failed');
    },
  });
  const gather = new Gather({
    views: viewsOf(view),
    inspector,
    pullSecrets,
    clock,
    logger,
    canGate: options.canGate,
  });
  const onDecision: OnDecision = ({ decision }, { policy, namespace }) => {
    metrics.decision(policy?.spec.mode ?? 'None', decision);
    const { kind, reason } = decision;
    logger.debug({ namespace, policy: policy?.name, kind, reason }, 'decided');
  };
  const placement = new RememberedPlacement(freshPlacement);
  const mutate = new Mutate({ gather, placement, jobs, audits, clock, inspectionBudgetMs, onDecision });
  const onReview = metrics.review.bind(metrics);
  const timeout = new BatchedTimeout({ clock });
  const handler = new AdmissionHandler({ mutate, timeout, clock, logger, onReview });
  const close = (): Promise<void> => {
    timeout.close();
    return audits.close();
  };
  return { handler, close };
}

function viewsOf({ policies, namespaces, nodes }: AdmissionOptions['view']): ClusterViews {
  return {
    namespace: (name) => namespaces.get(name),
    fetchNamespace: (name, signal) => namespaces.fetch(name, signal),
    policies: () => policies.list(),
    nodes: () => nodes.list(),
  };
}
