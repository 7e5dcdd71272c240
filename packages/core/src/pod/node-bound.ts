import type { Labels, OwnerReference } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';
import { labelOf } from '../kubernetes/read.ts';

/**
 * The kubelet marks the mirror of a static pod, and the source of each pod: `file`, `http` or `api`.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/types/pod_update.go
 */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
const SOURCE_API = 'api';

/** What of a pod decides whether it is bound to its node. */
export interface NodeBoundView {
  readonly annotations: Labels;
  readonly owner?: Pick<OwnerReference, 'apiVersion' | 'kind'>;
}

/** Pods whose node the scheduler does not choose: another node cannot take them. */
export type NodeBound = 'StaticPod' | 'DaemonSetPod';

/** Why the pod is bound to one node (PL1, R2); undefined when it is not. */
export function nodeBound(pod: NodeBoundView): NodeBound | undefined {
  if (isStatic(pod)) return 'StaticPod';
  // Of any API group: a DaemonSet covers nodes, and moving its pod leaves one uncovered.
  return pod.owner?.kind === 'DaemonSet' ? 'DaemonSetPod' : undefined;
}

function isStatic({ annotations, owner }: NodeBoundView): boolean {
  const source = labelOf(annotations, SOURCE_ANNOTATION);
  return (
    labelOf(annotations, MIRROR_ANNOTATION) !== undefined ||
    (source !== undefined && source !== SOURCE_API) ||
    (owner !== undefined && groupKind(owner) === '/Node')
  );
}
