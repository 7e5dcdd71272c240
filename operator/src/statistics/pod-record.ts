import {
  countedArchitecture,
  hasGate,
  isUnschedulable,
  isTerminalOrTerminating,
  readDecision,
  workloadKey,
} from '@archpolicy/core';
import type {
  ArchPolicy,
  CountedArchitecture,
  EvictionDecision,
  NodeFacts,
  PlacementAssessment,
  PodFacts,
} from '@archpolicy/core';
import { recheckPhase } from './recheck-phase.ts';

/**
 * The fields of a governed pod that the counts need. The record is small, because there are up to 100,000 of them (P8).
 */
export interface PodRecord {
  readonly uid: string;
  readonly policy: string;
  /**
   * A policy that also selects the pod, and has the same priority as the governing policy. It does not govern the pod,
   * because its name sorts later.
   */
  readonly rival?: string;
  /** The point within each recheck interval at which the pod is due, in [0, 1). */
  readonly phase: number;
  /**
   * The workload as `namespace/kind/name`. For a Job of a CronJob, the number at the end of the Job's name is omitted.
   */
  readonly workload: string;
  readonly assessment: PlacementAssessment['kind'];
  readonly decision: EvictionDecision['kind'];
  readonly reason: EvictionDecision['reason'];
  /** The architecture of the pod's node. */
  readonly architecture?: CountedArchitecture;
  /** Whether the pod has a decision annotation of ours. */
  readonly constrained: boolean;
  readonly gated: boolean;
  /** Whether the pod has a constraint of ours and has been unschedulable for a while (R9). */
  readonly unschedulable: boolean;
  /** Whether all images of the pod support more than one architecture of the cluster. Absent while this is unknown. */
  readonly portable?: boolean;
}

/** The fields of an evaluated pod that are counted. */
export interface CountedPod {
  readonly pod: PodFacts;
  readonly policy: Pick<ArchPolicy, 'name'>;
  readonly rival?: string;
  readonly node: NodeFacts | undefined;
}

/**
 * Returns the record of a pod. Returns undefined for a terminal or terminating pod, and for a pod of a terminating namespace, which
 * are not counted.
 */
export function toPodRecord(
  { pod, policy, rival, node }: CountedPod,
  { assessment, decision }: { readonly assessment: PlacementAssessment; readonly decision: EvictionDecision },
  clusterArchitectures: ReadonlySet<string>,
): PodRecord | undefined {
  if (isTerminalOrTerminating(pod) || decision.reason === 'Terminating') return undefined;
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
    ...(node !== undefined && { architecture: countedArchitecture(node) }),
    constrained,
    gated: hasGate(pod),
    unschedulable: isUnschedulable(pod) && decision.reason !== 'UnschedulableTooShort',
    ...(portable !== undefined && { portable }),
  };
}

/**
 * Computes the architectures of the cluster's nodes. They are computed only once after each change of the nodes,
 * because each evaluation of a pod needs them.
 */
export class ClusterArchitectures {
  #nodes: readonly NodeFacts[] | undefined;
  #known: ReadonlySet<string> = new Set();

  /**
   * @param nodes the list of nodes. It must be a new array after each change of a node, because the result is cached as
   * long as the array is the same
   */
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
