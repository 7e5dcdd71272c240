import { enumCounter, enumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { PROBE_VERDICTS } from './probe/probe-verdict.ts';
import type { ProbeVerdict } from './probe/probe-verdict.ts';
import { UNREACHABLE_CAUSES } from './probe/unreachable-cause.ts';
import type { UnreachableCause } from './probe/unreachable-cause.ts';

/** Values of the label `cause`. */
export const PROBLEM_CAUSES = [...UNREACHABLE_CAUSES, 'probe-refused'] as const;
export type ProblemCause = UnreachableCause | 'probe-refused';

/** The metrics of the webhook's reachability. */
export interface WebhookHealthMetrics {
  readonly webhookProbe: (verdict: ProbeVerdict['kind']) => void;
  /** Absent: there is no problem. */
  readonly webhookProblem: (cause: ProblemCause | undefined) => void;
}

/** Declares the metrics, once for each registry. */
export function declareWebhookHealthMetrics(registry: Registry): WebhookHealthMetrics {
  const probes = enumCounter({
    registry,
    name: 'archpolicy_webhook_probes_total',
    help: 'Dry runs with which the operator checks that the API server reaches the webhook, by outcome.',
    labels: { outcome: PROBE_VERDICTS },
  });
  const unreachable = enumGauge({
    registry,
    name: 'archpolicy_webhook_unreachable',
    help: '1 for the cause because of which the API server does not reach the webhook, as the leader has detected it.',
    labels: { cause: PROBLEM_CAUSES },
  });
  const show = (problem: ProblemCause | undefined): void => {
    for (const cause of PROBLEM_CAUSES) unreachable.set({ cause }, cause === problem ? 1 : 0);
  };
  show(undefined);
  return {
    webhookProbe: (outcome) => {
      probes.inc({ outcome });
    },
    webhookProblem: show,
  };
}
