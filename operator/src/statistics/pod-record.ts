import { GATE_INSPECTING, isUnschedulable, isTerminalOrTerminating, readDecision, workloadKey } from '@archpolicy/core';
import type { EvictionDecision, NodeFacts, PlacementAssessment } from '@archpolicy/core';
import type { Judgement, Material } from '../remediation/evaluation/pod-evaluator.ts';
import { recheckPhase } from '../remediation/resync/schedule.ts';

/** What is remembered of a pod that a policy governs: enough to count it, and to see when something about it changes. */
export interface PodRecord {
  readonly uid: string;
  readonly policy: string;
  /** A policy of the same priority that selects it as well, and lost by its name. */
  readonly rival?: string;
  /** Its turn within every recheck interval, from 0 to 1. */
  readonly phase: number;
  /** Its workload, as `namespace/kind/name`; of a CronJob's Job without its number. */
  readonly workload: string;
  readonly assessment: PlacementAssessment['kind'];
  readonly decision: EvictionDecision['kind'];
  readonly reason: EvictionDecision['reason'];
  /** Of its node. */
  readonly architecture?: string;
  /** It carries a record of a constraint of ours. */
  readonly constrained: boolean;
  readonly gated: boolean;
  /** It carries a constraint of ours and has found no node for two minutes (R9). */
  readonly unschedulable: boolean;
  /** Whether all its images support more than one architecture of the cluster; absent while that is not known. */
  readonly portable?: boolean;
}

/** The record of a pod; undefined for one that has finished or is ending: it counts nowhere. */
export function recordOf(
  { pod, policy, rival, node }: Pick<Material, 'pod' | 'policy' | 'rival' | 'node'>,
  { assessment, decision }: Judgement,
  clusterArchitectures: ReadonlySet<string>,
): PodRecord | undefined {
  if (isTerminalOrTerminating(pod)) return undefined;
  const constrained = readDecision(pod.annotations) !== undefined;
  const portable = isPortable(assessment, clusterArchitectures);
  return {
    uid: pod.uid,
    policy: policy.name,
    ...(rival !== undefined && { rival }),
    phase: recheckPhase(pod.uid),
    workload: workloadKey(pod),
    assessment: assessment.kind,
    decision: decision.kind,
    reason: decision.reason,
    ...(node !== undefined && { architecture: node.architecture }),
    constrained,
    gated: pod.schedulingGates.includes(GATE_INSPECTING),
    unschedulable: isUnschedulable(pod) && decision.reason !== 'UnschedulableTooShort',
    ...(portable !== undefined && { portable }),
  };
}

/** The architectures that the cluster has nodes of: of thousands of nodes, and asked for at each pod. */
export class ClusterArchitectures {
  #nodes: readonly NodeFacts[] | undefined;
  #known: ReadonlySet<string> = new Set();

  /** @param nodes the same array until something changes */
  of(nodes: readonly NodeFacts[]): ReadonlySet<string> {
    if (nodes !== this.#nodes) {
      this.#nodes = nodes;
      this.#known = new Set(nodes.map(({ architecture }) => architecture));
    }
    return this.#known;
  }
}

function isPortable(assessment: PlacementAssessment, cluster: ReadonlySet<string>): boolean | undefined {
  switch (assessment.kind) {
    case 'fits':
    case 'misplaced':
      return assessment.supported === 'any'
        ? cluster.size > 1
        : assessment.supported.filter((architecture) => cluster.has(architecture)).length > 1;
    case 'broken-image':
    case 'unknown':
    case 'node-unknown':
      return undefined;
  }
}
