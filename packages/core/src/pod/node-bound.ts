import { ANNOTATION_MIRROR, ANNOTATION_SOURCE } from '../kubernetes/annotations.ts';
import type { PodAnnotations } from '../kubernetes/annotations.ts';
import type { OwnerReference } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';

const SOURCE_API = 'api';

/** The parts of a pod that determine whether it is bound to its node. */
export interface NodeBoundView {
  readonly annotations: PodAnnotations;
  readonly owner?: Pick<OwnerReference, 'apiVersion' | 'kind'>;
}

/** Kinds of pods that belong to one node and cannot run on another one. */
export type NodeBound = 'StaticPod' | 'DaemonSetPod';

/** Returns why the pod is bound to one node (PL1, R2); undefined when it is not. */
export function nodeBound(pod: NodeBoundView): NodeBound | undefined {
  if (isStatic(pod)) return 'StaticPod';
  // Ignores the API group: a pod of any DaemonSet serves its node, and an eviction would leave the node without the
  // pod.
  return pod.owner?.kind === 'DaemonSet' ? 'DaemonSetPod' : undefined;
}

function isStatic({ annotations, owner }: NodeBoundView): boolean {
  const source = annotations[ANNOTATION_SOURCE];
  return (
    annotations[ANNOTATION_MIRROR] !== undefined ||
    (source !== undefined && source !== SOURCE_API) ||
    (owner !== undefined && groupKind(owner) === '/Node')
  );
}
