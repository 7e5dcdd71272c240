import type { Clock } from '@archpolicy/async';
import { countActiveRelaxations } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';
import { enumCounter, enumGauge, policyCounter, policyGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';
import { DEGRADED_REASONS } from './degradations.ts';
import type { DegradedReason } from './degradations.ts';
import type { PolicyCounts } from '../statistics/policy-pod-stats.ts';

const STATUS_WRITES = ['written', 'unconfirmed'] as const;
export type StatusWrite = (typeof STATUS_WRITES)[number];

/** The states by which a policy's pods are counted, as in its status. */
const POD_STATES = ['matched', 'constrained', 'gated', 'misplaced', 'unresolved', 'unschedulable'] as const;

/** The policies and the counts of their pods, read at each scrape. */
export interface PolicySource {
  list(): readonly Pick<ArchPolicy, 'name' | 'status' | 'spec'>[];
  counts(policy: string): PolicyCounts;
  readonly clock: Pick<Clock, 'now'>;
}

/** The metrics of the policy controller. */
export interface PolicyMetrics {
  readonly statusWrite: (outcome: StatusWrite) => void;
  readonly degraded: (reason: DegradedReason, policies: number) => void;
  /** Counts an eviction of one of the policy's pods. */
  readonly evicted: (policy: string) => void;
  readonly watchPolicies: (source: PolicySource) => void;
}

/** Declares the metrics, once for each registry. */
export function declarePolicyMetrics(registry: Registry): PolicyMetrics {
  const writes = enumCounter({
    registry,
    name: 'archpolicy_status_writes_total',
    help: 'Writes of a policy’s status; unconfirmed ones are retried.',
    labels: { outcome: STATUS_WRITES },
  });
  const degraded = enumGauge({
    registry,
    name: 'archpolicy_degraded_policies',
    help: 'Policies whose condition Degraded is True, by its reason.',
    labels: { reason: DEGRADED_REASONS },
  });
  return {
    statusWrite: (outcome) => {
      writes.inc({ outcome });
    },
    degraded: (reason, policies) => {
      degraded.set({ reason }, policies);
    },
    evicted: policyCounter({
      registry,
      name: 'archpolicy_policy_evictions_total',
      help: 'Pods that were evicted, by policy.',
    }),
    watchPolicies: declarePolicyGauges(registry),
  };
}

function declarePolicyGauges(registry: Registry): PolicyMetrics['watchPolicies'] {
  let source: PolicySource | undefined;
  policyGauge({
    registry,
    name: 'archpolicy_policy_pods',
    help: 'Pods of a policy, by state, as in its status. A pod can have several states.',
    labels: ['state'],
    *read() {
      for (const { name: policy } of source?.list() ?? []) {
        const counts = source?.counts(policy);
        for (const state of POD_STATES) yield { labels: { policy, state }, value: counts?.[state] ?? 0 };
      }
    },
  });
  policyGauge({
    registry,
    name: 'archpolicy_policy_relaxations',
    help: 'Entries of status.relaxed that are active: workloads, namespaces or architectures without a preference.',
    labels: [],
    *read() {
      const nowMs = source?.clock.now() ?? 0;
      for (const { name: policy, status } of source?.list() ?? []) {
        yield { labels: { policy }, value: countActiveRelaxations(status?.relaxed ?? [], nowMs) };
      }
    },
  });
  policyGauge({
    registry,
    name: 'archpolicy_policy_max_evictions_per_minute',
    help: 'Maximum number of evictions per minute that the policy allows.',
    labels: [],
    *read() {
      for (const { name: policy, spec } of source?.list() ?? []) {
        yield { labels: { policy }, value: spec.remediation.maxEvictionsPerMinute };
      }
    },
  });
  return (policies) => {
    source = policies;
  };
}
