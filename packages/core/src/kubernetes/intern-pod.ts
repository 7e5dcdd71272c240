import { withoutUndefined } from '../without-undefined.ts';
import type { PodFacts } from './facts.ts';
import type { Intern } from './interner.ts';

/**
 * The same pod, with everything that it has in common with its siblings shared. What is its own stays its own: names,
 * versions and times.
 */
export function internPod(pod: PodFacts, intern: Intern): PodFacts {
  const { mountsClaim, lacksClaim, nominated } = pod;
  return {
    namespace: intern(pod.namespace),
    name: pod.name,
    uid: pod.uid,
    resourceVersion: pod.resourceVersion,
    labels: intern(pod.labels),
    annotations: intern(pod.annotations),
    ...(pod.owner !== undefined && { owner: intern(pod.owner) }),
    ...(pod.generateName !== undefined && { generateName: intern(pod.generateName) }),
    createdAtMs: pod.createdAtMs,
    deleting: pod.deleting,
    ...(pod.nodeName !== undefined && { nodeName: intern(pod.nodeName) }),
    ...(pod.os !== undefined && { os: intern(pod.os) }),
    images: intern(pod.images),
    ...(pod.volumeImages !== undefined && { volumeImages: intern(pod.volumeImages) }),
    ...(pod.pullSecrets !== undefined && { pullSecrets: intern(pod.pullSecrets) }),
    nodeSelector: intern(pod.nodeSelector),
    ...(pod.requiredAffinity !== undefined && { requiredAffinity: intern(pod.requiredAffinity) }),
    tolerations: intern(pod.tolerations),
    schedulingGates: intern(pod.schedulingGates),
    ...(pod.requests !== undefined && { requests: intern(pod.requests) }),
    phase: pod.phase,
    ...withoutUndefined({ mountsClaim, lacksClaim, nominated }),
    ready: pod.ready,
    scheduled: pod.scheduled,
    // No two crash-looping containers have the same status: interning them only displaces values that pods share.
    containers: pod.ready.value ? intern(pod.containers) : pod.containers,
  };
}
