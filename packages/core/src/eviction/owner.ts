import type { OwnerReference, PodFacts } from '../kubernetes/facts.ts';
import type { JobFacts } from './job.ts';

/** Who replaces the pod, or why nobody is known to (R2). The reason says it all: it is a metric label. */
export type Replacement =
  { readonly kind: 'replaced' } | { readonly kind: 'not-replaced'; readonly reason: NotReplacedReason };

export type NotReplacedReason =
  'BarePod' | 'StaticPod' | 'DaemonSetPod' | 'UnknownOwner' | 'JobUnknown' | 'JobWouldFail';

/** `kubernetes.io/config.mirror` marks what the API server shows of a static pod; the source says where it came from. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const SOURCE_ANNOTATION = 'kubernetes.io/config.source';

/** The built-in controllers that create a new pod for an evicted one, by `group/Kind`. */
const REPLACING: ReadonlySet<string> = new Set(['apps/ReplicaSet', 'apps/StatefulSet', '/ReplicationController']);

/**
 * Whether the owner is known to replace this pod once it is evicted (R2).
 *
 * @param job facts of the owning Job, when the owner is one; absent when they could not be read
 * @param ownerKinds further owners that replace, as `group/Kind` (policy)
 */
export function replacementOf(pod: PodFacts, job: JobFacts | undefined, ownerKinds: readonly string[]): Replacement {
  if (isStatic(pod)) return { kind: 'not-replaced', reason: 'StaticPod' };
  if (pod.owner === undefined) return { kind: 'not-replaced', reason: 'BarePod' };
  const kind = groupKind(pod.owner);
  // Of whatever group, and whatever the list of further kinds says: it puts its next pod on the very same node.
  if (pod.owner.kind === 'DaemonSet') return { kind: 'not-replaced', reason: 'DaemonSetPod' };
  if (kind === 'batch/Job') return replacementOfJobPod(job);
  if (REPLACING.has(kind) || ownerKinds.includes(kind)) return { kind: 'replaced' };
  return { kind: 'not-replaced', reason: 'UnknownOwner' };
}

/** Whether the pod is a Job's: only then are the facts of the Job worth a request. */
export function ownedByJob(pod: PodFacts): boolean {
  return pod.owner !== undefined && groupKind(pod.owner) === 'batch/Job';
}

function isStatic(pod: PodFacts): boolean {
  const source = pod.annotations[SOURCE_ANNOTATION];
  return (
    pod.annotations[MIRROR_ANNOTATION] !== undefined ||
    (source !== undefined && source !== 'api') ||
    (pod.owner?.kind === 'Node' && pod.owner.apiVersion === 'v1')
  );
}

function replacementOfJobPod(job: JobFacts | undefined): Replacement {
  if (job === undefined) return { kind: 'not-replaced', reason: 'JobUnknown' };
  return jobSurvives(job) ? { kind: 'replaced' } : { kind: 'not-replaced', reason: 'JobWouldFail' };
}

function jobSurvives(job: JobFacts): boolean {
  if (job.ended) return false;
  switch (job.onDisruption) {
    case 'Ignored':
      return true;
    case 'MayFail':
      return false;
    case 'Counted':
      return !job.backoffLimitPerIndex && job.failed + 1 <= job.backoffLimit;
  }
}

/** `apps/v1` and `ReplicaSet` make `apps/ReplicaSet`; the core group is empty. */
function groupKind({ apiVersion, kind }: OwnerReference): string {
  const slash = apiVersion.indexOf('/');
  return `${slash === -1 ? '' : apiVersion.slice(0, slash)}/${kind}`;
}
