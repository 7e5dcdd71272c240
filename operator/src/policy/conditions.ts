import type { ArchPolicy, ArchPolicyCondition } from '@archpolicy/core';
import { DEGRADED_REASONS } from './degradations.ts';
import type { Degradation } from './degradations.ts';

export interface ConditionInput {
  readonly policy: ArchPolicy;
  readonly previous: readonly ArchPolicyCondition[];
  /** Whether this leader has evaluated all pods. */
  readonly checked: boolean;
  /** A policy that governs every pod that this policy matches, so that this policy never governs a pod. */
  readonly shadow: string | undefined;
  /** Number of governed pods. */
  readonly matched: number;
  /** Number of selected namespaces. */
  readonly namespaces: number;
  readonly degradations: readonly Degradation[];
  /** Whether this leader has determined all degradations. */
  readonly degradationsKnown: boolean;
  readonly nowMs: number;
}

type ConditionState = Pick<ArchPolicyCondition, 'status' | 'reason' | 'message'>;

/** Maximum length of a message, in characters. Longer messages are unreadable in a terminal. */
const MAX_MESSAGE_LENGTH = 1_024;

/**
 * Returns the conditions `Ready` and `Degraded`. `lastTransitionTime` changes only if the status of the condition
 * changes.
 */
export function buildConditions(input: ConditionInput): ArchPolicyCondition[] {
  return [condition('Ready', readiness(input), input), condition('Degraded', degradation(input), input)];
}

function readiness(input: ConditionInput): ConditionState {
  const { policy, previous, checked, shadow } = input;
  if (shadow !== undefined) {
    const message = `The policy governs no pods: policy ${shadow} selects the same pods and has a higher priority, or the same priority and a name that sorts first.`;
    return { status: 'False', reason: 'Shadowed', message };
  }
  if (!checked) {
    // A new leader keeps the condition that the previous leader wrote, until the new leader has evaluated all pods.
    const before = previous.find(({ type }) => type === 'Ready');
    if (before?.observedGeneration === policy.generation) return before;
    return { status: 'Unknown', reason: 'Checking', message: 'Not all pods have been evaluated yet.' };
  }
  return input.matched === 0 ? matchesNothing(input) : inEffect(policy);
}

/** Returns the state of a policy that governs no pods. `Ready` is True, because pods may be created later. */
function matchesNothing({ namespaces }: ConditionInput): ConditionState {
  const message =
    namespaces === 0
      ? 'The policy governs no pods: its namespaceSelector matches no namespace.'
      : 'The policy governs no pods now: its selectors match no pod, or policies of higher priority govern the matching pods.';
  return { status: 'True', reason: 'MatchesNothing', message };
}

function inEffect({ spec: { mode, remediation } }: ArchPolicy): ConditionState {
  if (mode === 'Audit') {
    const message = 'All pods have been evaluated. Mode Audit: nothing is changed.';
    return { status: 'True', reason: 'Auditing', message };
  }
  if (remediation.action === 'Report') {
    const message = 'All pods have been evaluated. New pods are constrained; misplaced ones are reported.';
    return { status: 'True', reason: 'Reporting', message };
  }
  const message = 'All pods have been evaluated. New pods are constrained; misplaced ones are evicted.';
  return { status: 'True', reason: 'Enforcing', message };
}

function degradation({ previous, checked, degradations, degradationsKnown }: ConditionInput): ConditionState {
  const isKnown = checked && degradationsKnown;
  if (!isKnown) {
    const before = previous.find(({ type }) => type === 'Degraded');
    if (before !== undefined) return before;
  }
  const reason = DEGRADED_REASONS.find((candidate) => degradations.some((found) => found.reason === candidate));
  if (!checked || reason === undefined) {
    return { status: 'False', reason: 'AsExpected', message: 'The policy works as specified.' };
  }
  return { status: 'True', reason, message: degradations.map(({ message }) => message).join(' ') };
}

/** Returns the conditions of an invalid policy. */
export function invalidConditions(problems: string, generation: number, nowMs: number): ArchPolicyCondition[] {
  const message = truncate(`The policy is invalid and governs no pods: ${problems}`);
  const same = { reason: 'Invalid', message, observedGeneration: generation, lastTransitionTime: timestamp(nowMs) };
  return [
    { type: 'Ready', status: 'False', ...same },
    { type: 'Degraded', status: 'True', ...same },
  ];
}

function condition(type: 'Ready' | 'Degraded', verdict: ConditionState, input: ConditionInput): ArchPolicyCondition {
  const { status, reason } = verdict;
  const before = input.previous.find((candidate) => candidate.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(input.nowMs);
  const { generation } = input.policy;
  return {
    type,
    status,
    reason,
    message: truncate(verdict.message),
    observedGeneration: generation,
    lastTransitionTime,
  };
}

function truncate(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message;
}

/** Formats a time as `metav1.Time`, in whole seconds. */
export function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/u, 'Z');
}
