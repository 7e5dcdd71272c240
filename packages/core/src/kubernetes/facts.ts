import type { ResourceAmounts } from './requests.ts';
import type { NodeSelector } from './node-selector.ts';
import type { NamespaceAnnotations, PodAnnotations } from './annotations.ts';
import type { Labels, NamespaceLabels, PodLabels } from './labels.ts';

/**
 * The parts of Kubernetes objects that the product stores. Each object is parsed once, when it arrives, so that all other code can
 * rely on the types. A whole pod has 24 KB, its facts have less than 1 KB.
 */

/** A node taint. */
export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A pod toleration. Absent fields mean the same as in the API: `Exists` without a key tolerates all taints. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** The facts of a node that placement and remediation need. */
export interface NodeFacts {
  readonly name: string;
  /** Distinguishes the node from a later one with the same name. */
  readonly uid: string;
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  /** Whether the condition Ready is True. */
  readonly ready: boolean;
  /** Whether `spec.unschedulable` is set. */
  readonly cordoned: boolean;
  /** `status.nodeInfo.architecture`. It is trusted more than the architecture label (docs/node-evidence.md, section 6). */
  readonly architecture: string;
  /** `status.nodeInfo.operatingSystem` as reported. */
  readonly os: string;
  /** `status.allocatable`; absent if the node has not reported it. */
  readonly allocatable?: ResourceAmounts;
}

/** Returns whether the scheduler may bind pods to the node if they tolerate its taints. */
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

/** The fields of one container's status that show whether it runs (docs/node-evidence.md, section 2). */
export interface ContainerEvidence {
  readonly name: string;
  /**
   * The image in the pod's spec, because a status may name another repository with the same content. Empty if the spec does not contain
   * the container.
   */
  readonly image: string;
  readonly ready: boolean;
  readonly running: boolean;
  /**
   * `state.running.startedAt`, epoch milliseconds. Absent while the pod is Ready, so that the statuses of sibling pods
   * are equal and are stored only once (P8). The time of the condition Ready is used instead.
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
  /** Seconds between start and finish. Absent if the status lacks one of these times, as for a container that never started. */
  readonly seconds?: number;
  /** `finishedAt`, epoch milliseconds. Absent while the pod is Ready, like `runningSinceMs`, and if `seconds` is absent. */
  readonly finishedAtMs?: number;
}

/** The condition Ready of a pod. */
export interface ReadyCondition {
  readonly value: boolean;
  /** `lastTransitionTime`, epoch milliseconds. */
  readonly sinceMs: number;
  /**
   * Whether the condition was True before and is False now. This is detected from the time at which it turned False,
   * which is well after the kubelet accepted the pod (`status.startTime`).
   */
  readonly turnedFalse?: true;
}

/** The facts of a pod in the cluster that remediation needs. */
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
  /** Whether the pod is being deleted. */
  readonly deleting: boolean;
  readonly nodeName?: string;
  /** `spec.os.name`. */
  readonly os?: string;
  /** Image strings of containers, init containers and image volumes, in this order, duplicates removed. */
  readonly images: readonly string[];
  /** The entries of `images` that are only mounted, not run by a container. Absent if there are none. */
  readonly volumeImages?: readonly string[];
  /** Whether the pod mounts a PersistentVolumeClaim. */
  readonly mountsClaim?: true;
  /** Names of the pod's pull secrets, in the order of the spec. Absent if it has none. */
  readonly pullSecrets?: readonly string[];
  readonly nodeSelector: Labels;
  readonly requiredAffinity?: NodeSelector;
  readonly tolerations: readonly Toleration[];
  readonly schedulingGates: readonly string[];
  /** The resources that the scheduler reserves for the pod. Absent if it reserves nothing. */
  readonly requests?: ResourceAmounts;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** Condition Ready. */
  readonly ready: ReadyCondition;
  /** Condition PodScheduled. `sinceMs`: time of the last change, epoch milliseconds. `reason`: why it is False. */
  readonly scheduled: { readonly value: boolean; readonly sinceMs: number; readonly reason?: string };
  /**
   * Whether the scheduler's message names a claim that is not bound or does not exist. Absent if the message also names the pod's
   * selectors or affinity.
   */
  readonly lacksClaim?: true;
  /** Whether `status.nominatedNodeName` is set. If so, the scheduler waits for the end of pods that it preempts. */
  readonly nominated?: true;
  readonly containers: readonly ContainerEvidence[];
}

/**
 * Returns the time at which the pod was bound to its node. A pod that was created with `spec.nodeName` has no condition PodScheduled, so
 * its creation counts.
 */
export function boundAtMs({ scheduled, createdAtMs }: Pick<PodFacts, 'scheduled' | 'createdAtMs'>): number {
  return scheduled.value ? scheduled.sinceMs : createdAtMs;
}

/** The facts of a namespace that policy selection and remediation need. */
export interface NamespaceFacts {
  readonly name: string;
  /** Present while the namespace is being deleted: the API server then deletes its pods, and creates none. */
  readonly deleting?: true;
  readonly labels: NamespaceLabels;
  readonly annotations: NamespaceAnnotations;
}
