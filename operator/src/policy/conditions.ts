import type { ArchPolicy, ArchPolicyCondition } from '@archpolicy/core';
import { DEGRADED_REASONS } from './degradations.ts';
import type { Degradation } from './degradations.ts';

export interface ConditionInput {
  readonly policy: ArchPolicy;
  readonly previous: readonly ArchPolicyCondition[];
  /** Every pod has been looked at in this leader's term. */
  readonly checked: boolean;
  /** The policy because of which this one never governs a pod. */
  readonly shadow: string | undefined;
  /** Pods that it governs. */
  readonly matched: number;
  /** Namespaces that it selects. */
  readonly namespaces: number;
  readonly degradations: readonly Degradation[];
  readonly nowMs: number;
}

type Verdict = Pick<ArchPolicyCondition, 'status' | 'reason' | 'message'>;

/** A condition is read by people: longer it would only be cut by their terminals. */
const MAX_MESSAGE_LENGTH = 1_024;

/** `Ready` and `Degraded`. A condition whose status stays keeps the time of its last transition. */
export function conditionsOf(input: ConditionInput): ArchPolicyCondition[] {
  return [condition('Ready', readiness(input), input), condition('Degraded', degradation(input), input)];
}

function readiness(input: ConditionInput): Verdict {
  const { policy, previous, checked, shadow } = input;
  if (shadow !== undefined) {
    const message = `It governs nothing: policy ${shadow} comes before it and selects all pods that this one selects.`;
    return { status: 'False', reason: 'Shadowed', message };
  }
  if (!checked) {
    // A new leader looks at everything first; what its predecessor found is still the best that is known.
    const before = previous.find(({ type }) => type === 'Ready');
    if (before?.observedGeneration === policy.generation) return before;
    return { status: 'Unknown', reason: 'Checking', message: 'Not every pod has been checked yet.' };
  }
  return input.matched === 0 ? matchesNothing(input) : inEffect(policy);
}

/** No fault: its pods may come and go. */
function matchesNothing({ namespaces }: ConditionInput): Verdict {
  const message =
    namespaces === 0
      ? 'It governs no pod: its namespaceSelector matches no namespace.'
      : 'It governs no pod now: its selectors match none, or policies of higher priority govern those that they match.';
  return { status: 'True', reason: 'MatchesNothing', message };
}

function inEffect({ spec: { mode, remediation } }: ArchPolicy): Verdict {
  if (mode === 'Audit') {
    const message = 'Every pod has been checked. Mode Audit: nothing is changed.';
    return { status: 'True', reason: 'Auditing', message };
  }
  if (remediation.action === 'Report') {
    const message = 'Every pod has been checked. New pods are constrained; misplaced ones are reported.';
    return { status: 'True', reason: 'Reporting', message };
  }
  const message = 'Every pod has been checked. New pods are constrained; misplaced ones are evicted.';
  return { status: 'True', reason: 'Enforcing', message };
}

function degradation({ previous, checked, degradations }: ConditionInput): Verdict {
  if (!checked) {
    const before = previous.find(({ type }) => type === 'Degraded');
    if (before !== undefined) return before;
  }
  const reason = DEGRADED_REASONS.find((candidate) => degradations.some((found) => found.reason === candidate));
  if (!checked || reason === undefined) {
    return { status: 'False', reason: 'AsExpected', message: 'Nothing stands in the way.' };
  }
  return { status: 'True', reason, message: degradations.map(({ message }) => message).join(' ') };
}

/** The conditions of a policy that cannot be read. */
export function invalidConditions(problems: string, generation: number, nowMs: number): ArchPolicyCondition[] {
  const message = cut(`The policy cannot be read and governs nothing: ${problems}`);
  const same = { reason: 'Invalid', message, observedGeneration: generation, lastTransitionTime: timestamp(nowMs) };
  return [
    { type: 'Ready', status: 'False', ...same },
    { type: 'Degraded', status: 'True', ...same },
  ];
}

function condition(type: 'Ready' | 'Degraded', verdict: Verdict, input: ConditionInput): ArchPolicyCondition {
  const { status, reason } = verdict;
  const before = input.previous.find((candidate) => candidate.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(input.nowMs);
  const { generation } = input.policy;
  return { type, status, reason, message: cut(verdict.message), observedGeneration: generation, lastTransitionTime };
}

function cut(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message;
}

/** Kubernetes' Time has whole seconds. */
export function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/u, 'Z');
}
