import { countedArchitecture, governs, findShadow, withoutUndefined } from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyStatus, CountedArchitecture, NamespaceFacts, NodeFacts } from '@archpolicy/core';
import type { PolicyCounts } from '../statistics/policy-pod-stats.ts';
import { buildConditions, invalidConditions, timestamp } from './conditions.ts';
import { findDegradations, tolerationVerdict } from './degradations.ts';
import type { DegradationInput } from './degradations.ts';

/** The status that this controller writes. It writes all fields. */
export type OwnStatus = ArchPolicyStatus;

export interface StatusInput extends Omit<DegradationInput, 'losesTieTo'> {
  readonly policy: ArchPolicy;
  /** All valid policies. */
  readonly policies: readonly ArchPolicy[];
  readonly namespaces: readonly NamespaceFacts[];
  readonly counts: PolicyCounts;
  /** Evictions since the policy was created. */
  readonly evicted: number;
  readonly nodes: readonly NodeFacts[];
  /**
   * The time of the last evaluation of all pods, epoch milliseconds. Undefined until this leader has evaluated all
   * pods.
   */
  readonly lastRecheckMs: number | undefined;
  readonly nowMs: number;
  /** Relaxed preferences (R9). */
  readonly relaxed: NonNullable<ArchPolicyStatus['relaxed']>;
}

/** Returns the desired status of a policy. */
export function buildStatus(input: StatusInput): OwnStatus {
  const { policy, counts, evicted, lastRecheckMs, relaxed } = input;
  const tolerations = tolerationVerdict(policy, input.tolerations);
  const { matched, constrained, gated, misplaced, unresolved, unschedulable } = counts;
  const lastRecheckTime = lastRecheckMs === undefined ? policy.status?.lastRecheckTime : timestamp(lastRecheckMs);
  return {
    observedGeneration: policy.generation,
    conditions: buildConditions({
      policy,
      previous: policy.status?.conditions ?? [],
      checked: lastRecheckMs !== undefined,
      shadow: findShadow(policy, input.policies)?.name,
      matched,
      namespaces: matched > 0 ? matched : selectedNamespaces(input),
      degradations: findDegradations({ ...input, losesTieTo: counts.losesTieTo }),
      degradationsKnown: input.webhook.kind !== 'unknown',
      nowMs: input.nowMs,
    }),
    pods: { matched, constrained, gated, misplaced, unresolved, unschedulable, evicted },
    architectures: countArchitectures(input),
    workloads: { total: counts.workloads, portable: counts.portableWorkloads },
    ...withoutUndefined({ tolerations, lastRecheckTime }),
    // The list is written even if it is empty: a merge patch without the list would not remove the old entries.
    ...((relaxed.length > 0 || policy.status?.relaxed !== undefined) && { relaxed }),
  };
}

/**
 * Returns the status of an invalid policy, as a merge patch. The policy governs no pods, so the counts of pods are
 * zero. The patch omits the count of evictions, so that the count in the status remains.
 */
export function buildInvalidStatus(
  generation: number,
  problems: readonly { readonly path: string; readonly message: string }[],
  nowMs: number,
): OwnStatus {
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return {
    observedGeneration: generation,
    conditions: invalidConditions(text, generation, nowMs),
    pods: { matched: 0, constrained: 0, gated: 0, misplaced: 0, unresolved: 0, unschedulable: 0 },
    architectures: [],
    workloads: { total: 0, portable: 0 },
  };
}

function selectedNamespaces({ policy, namespaces }: StatusInput): number {
  const anyPod = { ...policy, spec: { ...policy.spec, podSelector: {} } };
  return namespaces.filter((namespace) => governs(anyPod, namespace, {})).length;
}

/** Counts the cluster's nodes and the policy's pods by architecture. */
function countArchitectures({ nodes, counts }: StatusInput): NonNullable<ArchPolicyStatus['architectures']> {
  const nodeCounts = new Map<CountedArchitecture, number>();
  for (const name of nodes.map(countedArchitecture)) nodeCounts.set(name, (nodeCounts.get(name) ?? 0) + 1);
  const names = [...new Set([...nodeCounts.keys(), ...counts.architectures.keys()])].sort();
  return names.map((name) => ({
    name,
    nodes: nodeCounts.get(name) ?? 0,
    pods: counts.architectures.get(name) ?? 0,
  }));
}
