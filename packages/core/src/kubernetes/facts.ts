import type { ResourceAmounts } from './requests.ts';
import type { NodeSelector } from './node-selector.ts';
import type { NamespaceAnnotations, PodAnnotations } from './annotations.ts';
import type { Labels, NamespaceLabels, PodLabels } from './labels.ts';

/**
 * What the product keeps of Kubernetes objects: trimmed on arrival (a pod is 24 KB whole and under 1 KB here), parsed
 * once at the edge, so that everything behind it can rely on the types.
 */

/** A node taint. */
export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A pod toleration. Absent fields have the meaning of the API: no key with Exists tolerates everything. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** A node, as far as placement and remediation need it. */
export interface NodeFacts {
  readonly name: string;
  /** Another node may have the same name later. */
  readonly uid: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  /** Condition Ready is True. */
  readonly ready: boolean;
  /** `spec.unschedulable` is set. */
  readonly cordoned: boolean;
  /** `status.nodeInfo.architecture` as reported; trusted over the label (NODE-EVIDENCE section 6). */
  readonly architecture: string;
  /** `status.nodeInfo.operatingSystem` as reported. */
  readonly os: string;
  /** `status.allocatable`; absent: the node has not reported it. */
  readonly allocatable?: ResourceAmounts;
}

/** Whether the scheduler may bind pods to the node, apart from its taints. */
export function isSchedulable({ ready, cordoned }: Pick<NodeFacts, 'ready' | 'cordoned'>): boolean {
  return ready && !cordoned;
}

/** The owner reference with `controller: true`. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** One container's status, as far as evidence needs it (NODE-EVIDENCE section 2). */
export interface ContainerEvidence {
  readonly name: string;
  /** As in the pod's spec: a status may name another repository with the same content. Empty when it is not there. */
  readonly image: string;
  readonly ready: boolean;
  readonly running: boolean;
  /**
   * `state.running.startedAt`, epoch milliseconds. Absent while the pod is Ready: the condition already has the time since when its
   * containers run, and without the time the statuses of sibling pods are equal and stored once (P8).
   */
  readonly runningSinceMs?: number;
  readonly restartCount: number;
  readonly waiting?: { readonly reason: string; readonly message: string };
  readonly terminated?: TerminatedEvidence;
  readonly lastTerminated?: TerminatedEvidence;
}

export interface TerminatedEvidence {
  readonly reason: string;
  readonly exitCode: number;
  readonly message: string;
  /** Seconds between start and finish; absent when one of them is, as in the status of a container that never started. */
  readonly seconds?: number;
  /** `finishedAt`, epoch milliseconds. Absent while the pod is Ready, like `runningSinceMs`, and where `seconds` is. */
  readonly finishedAtMs?: number;
}

/** The condition Ready of a pod. */
export interface ReadyCondition {
  readonly value: boolean;
  /** `lastTransitionTime`, epoch milliseconds. */
  readonly sinceMs: number;
  /** It is False, and turned False well after the kubelet accepted the pod (`status.startTime`): it was True before. */
  readonly turnedFalse?: true;
}

/** A pod that exists in the cluster, as far as remediation needs it. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels: PodLabels;
  readonly annotations: PodAnnotations;
  readonly owner?: OwnerReference;
  /** `metadata.generateName` of a pod without owner. */
  readonly generateName?: string;
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
  /** It is being deleted. */
  readonly deleting: boolean;
  readonly nodeName?: string;
  /** `spec.os.name`. */
  readonly os?: string;
  /** Image strings of containers, init containers and image volumes, in this order, duplicates removed. */
  readonly images: readonly string[];
  /** Those of them that no container runs; absent where there are none. */
  readonly volumeImages?: readonly string[];
  /** It mounts a PersistentVolumeClaim. */
  readonly mountsClaim?: true;
  /** Names of its pull secrets, in their order; absent when it names none. */
  readonly pullSecrets?: readonly string[];
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  readonly schedulingGates: readonly string[];
  /** What the scheduler reserves for it; absent: nothing. */
  readonly requests?: ResourceAmounts;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** Condition Ready. */
  readonly ready: ReadyCondition;
  /** Condition PodScheduled: since when (epoch milliseconds) and, when False, its reason. */
  readonly scheduled: { readonly value: boolean; readonly sinceMs: number; readonly reason?: string };
  /** The scheduler's message names a claim that is not bound or does not exist, and not the pod's selectors or affinity. */
  readonly lacksClaim?: true;
  /** `status.nominatedNodeName` is set: the scheduler waits for pods that it preempts. */
  readonly nominated?: true;
  readonly containers: readonly ContainerEvidence[];
}

/** When the pod was bound to its node: one whose creator named the node has no condition of it. */
export function boundAtMs({ scheduled, createdAtMs }: Pick<PodFacts, 'scheduled' | 'createdAtMs'>): number {
  return scheduled.value ? scheduled.sinceMs : createdAtMs;
}

/** A namespace, as far as policy selection needs it. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: NamespaceLabels;
  readonly annotations: NamespaceAnnotations;
}
