import type { ArchPolicy, ArchPolicyCondition } from '@archpolicy/core';
import { timestamp } from './status.ts';

export interface ConditionInput {
  readonly policy: ArchPolicy;
  readonly previous: readonly ArchPolicyCondition[];
  /** Every pod has been looked at in this leader's term. */
  readonly checked: boolean;
  readonly webhookReachable: boolean;
  readonly nowMs: number;
}

type Verdict = Pick<ArchPolicyCondition, 'status' | 'reason' | 'message'>;

/** `Ready` and `Degraded`. A condition whose status stays keeps the time of its last transition. */
export function conditionsOf(input: ConditionInput): ArchPolicyCondition[] {
  return [condition('Ready', readiness(input), input), condition('Degraded', degradation(input), input)];
}

function readiness({ policy, previous, checked }: ConditionInput): Verdict {
  if (!checked) {
    // A new leader looks at everything first; what its predecessor found is still the best that is known.
    const before = previous.find(({ type }) => type === 'Ready');
    if (before?.observedGeneration === policy.generation) return before;
    return { status: 'Unknown', reason: 'Checking', message: 'Not every pod has been checked yet.' };
  }
  const { mode, remediation } = policy.spec;
  if (mode === 'Audit') {
    return {
      status: 'True',
      reason: 'Auditing',
      message: 'Every pod has been checked. Mode Audit: nothing is changed.',
    };
  }
  if (remediation.action === 'Report') {
    const message = 'Every pod has been checked. New pods are constrained; misplaced ones are reported.';
    return { status: 'True', reason: 'Reporting', message };
  }
  const message = 'Every pod has been checked. New pods are constrained; misplaced ones are evicted.';
  return { status: 'True', reason: 'Enforcing', message };
}

function degradation({ policy, previous, checked, webhookReachable }: ConditionInput): Verdict {
  const evicts = policy.spec.mode === 'Enforce' && policy.spec.remediation.action === 'Evict';
  if (!checked) {
    const before = previous.find(({ type }) => type === 'Degraded');
    if (before !== undefined) return before;
  } else if (evicts && !webhookReachable) {
    const message = 'The webhook has not renewed its Lease: replacements would land as wrongly, so nothing is evicted.';
    return { status: 'True', reason: 'WebhookUnreachable', message };
  }
  return { status: 'False', reason: 'AsExpected', message: 'Nothing stands in the way.' };
}

function condition(type: 'Ready' | 'Degraded', verdict: Verdict, input: ConditionInput): ArchPolicyCondition {
  const { status, reason, message } = verdict;
  const before = input.previous.find((candidate) => candidate.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(input.nowMs);
  return { type, status, reason, message, observedGeneration: input.policy.generation, lastTransitionTime };
}
