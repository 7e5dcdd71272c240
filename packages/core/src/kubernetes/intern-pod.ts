import { withoutUndefined } from '../without-undefined.ts';
import type { PodFacts } from './facts.ts';
import type { Intern } from './interner.ts';

/**
 * Returns an equal pod that shares objects with other pods of its workload where their values are equal. Names, versions and times are
 * not shared.
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
    // Crash-looping containers have distinct statuses: interning them would only displace shared values.
    containers: pod.ready.value ? intern(pod.containers) : pod.containers,
  };
}
