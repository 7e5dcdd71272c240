import type { PodFacts } from './facts.ts';
import type { Share } from './shared-values.ts';

/**
 * The same pod, with everything that it has in common with its siblings shared. What is its own stays its own: names,
 * versions and times.
 */
export function sharePod(pod: PodFacts, share: Share): PodFacts {
  return {
    namespace: share(pod.namespace),
    name: pod.name,
    uid: pod.uid,
    resourceVersion: pod.resourceVersion,
    labels: share(pod.labels),
    annotations: share(pod.annotations),
    ...(pod.owner !== undefined && { owner: share(pod.owner) }),
    createdAtMs: pod.createdAtMs,
    deleting: pod.deleting,
    ...(pod.nodeName !== undefined && { nodeName: share(pod.nodeName) }),
    os: share(pod.os),
    images: share(pod.images),
    ...(pod.pullSecrets !== undefined && { pullSecrets: share(pod.pullSecrets) }),
    nodeSelector: share(pod.nodeSelector),
    ...(pod.requiredAffinity !== undefined && { requiredAffinity: share(pod.requiredAffinity) }),
    tolerations: share(pod.tolerations),
    schedulingGates: share(pod.schedulingGates),
    phase: pod.phase,
    ready: pod.ready,
    scheduled: pod.scheduled,
    // Of crash-looping containers no two say the same: sharing them would only push out what others share.
    containers: pod.ready.value ? share(pod.containers) : pod.containers,
  };
}
