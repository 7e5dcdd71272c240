import { isArchitecture } from '@archpolicy/core';
import type { ArchPolicy, ArchPolicyCondition, ArchPolicyStatus, NodeFacts } from '@archpolicy/core';
import type { PolicyCounts } from '../remediation/tally.ts';
import { conditionsOf } from './conditions.ts';
import type { ConditionInput } from './conditions.ts';

/** The part of a status that this controller owns. */
export type OwnStatus = Omit<ArchPolicyStatus, 'relaxed'>;

export interface StatusInput extends Pick<ConditionInput, 'webhookReachable'> {
  readonly policy: ArchPolicy;
  readonly counts: PolicyCounts;
  /** Since the policy was created. */
  readonly evicted: number;
  readonly nodes: readonly NodeFacts[];
  /** Epoch milliseconds; undefined until every pod has been looked at once. */
  readonly lastRecheckMs: number | undefined;
  readonly nowMs: number;
}

/** The status that a policy should have. */
export function statusOf(input: StatusInput): OwnStatus {
  const { policy, counts, evicted, lastRecheckMs } = input;
  const { matched, constrained, gated, misplaced, unresolved, unschedulable } = counts;
  const lastRecheckTime = lastRecheckMs === undefined ? policy.status?.lastRecheckTime : timestamp(lastRecheckMs);
  return {
    observedGeneration: policy.generation,
    conditions: conditionsOf({
      ...input,
      previous: policy.status?.conditions ?? [],
      checked: lastRecheckMs !== undefined,
    }),
    pods: { matched, constrained, gated, misplaced, unresolved, unschedulable, evicted },
    architectures: architecturesOf(input),
    workloads: { total: counts.workloads, portable: counts.portableWorkloads },
    ...(lastRecheckTime !== undefined && { lastRecheckTime }),
  };
}

/** The status of a policy that cannot be read. */
export function invalidStatusOf(
  generation: number,
  problems: readonly { readonly path: string; readonly message: string }[],
  nowMs: number,
): OwnStatus {
  const message = problems.map(({ path, message: problem }) => `${path}: ${problem}`).join('; ');
  const ready: ArchPolicyCondition = {
    type: 'Ready',
    status: 'False',
    reason: 'Invalid',
    message: `The policy cannot be read and governs nothing: ${message}`.slice(0, MAX_MESSAGE_LENGTH),
    observedGeneration: generation,
    lastTransitionTime: timestamp(nowMs),
  };
  return { observedGeneration: generation, conditions: [ready] };
}

const MAX_MESSAGE_LENGTH = 1_024;

/** Nodes of the cluster and pods of the policy, for every architecture that has either. */
function architecturesOf({ nodes, counts }: StatusInput): NonNullable<ArchPolicyStatus['architectures']> {
  const nodeCounts = new Map<string, number>();
  for (const { architecture } of nodes) nodeCounts.set(architecture, (nodeCounts.get(architecture) ?? 0) + 1);
  const names = [...new Set([...nodeCounts.keys(), ...counts.architectures.keys()])].sort();
  return names.flatMap((name) =>
    isArchitecture(name) && name !== 'wasm'
      ? [{ name, nodes: nodeCounts.get(name) ?? 0, pods: counts.architectures.get(name) ?? 0 }]
      : [],
  );
}

/** Kubernetes' Time has whole seconds. */
export function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/u, 'Z');
}
