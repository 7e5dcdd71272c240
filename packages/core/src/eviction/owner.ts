import type { PodFacts } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';
import { nodeBound } from '../pod/node-bound.ts';
import type { NodeBound } from '../pod/node-bound.ts';
import { isReplacingOwner } from '../pod/replacing-owners.ts';
import type { JobFacts } from './job.ts';

/** Who replaces the pod, or why nobody is known to (R2). The reason says it all: it is a metric label. */
export type ReplacementByOwner =
  { readonly kind: 'replaced' } | { readonly kind: 'not-replaced'; readonly reason: NotReplacedReason };

export type NotReplacedReason = NodeBound | 'BarePod' | 'UnknownOwner' | 'JobUnknown' | 'JobWouldFail';

/**
 * Whether the owner is known to replace this pod once it is evicted (R2).
 *
 * @param job facts of the owning Job, when the owner is one; absent when they could not be read
 * @param ownerKinds further owners that replace, as `group/Kind` (policy)
 */
export function evaluateReplacement(
  pod: PodFacts,
  job: JobFacts | undefined,
  ownerKinds: readonly string[],
): ReplacementByOwner {
  // Whatever the list of further kinds names: a DaemonSet puts its next pod on the same node.
  const reason = nodeBound(pod);
  if (reason !== undefined) return { kind: 'not-replaced', reason };
  if (pod.owner === undefined) return { kind: 'not-replaced', reason: 'BarePod' };
  if (groupKind(pod.owner) === 'batch/Job') return replacementOfJobPod(job);
  if (isReplacingOwner(pod.owner, ownerKinds)) return { kind: 'replaced' };
  return { kind: 'not-replaced', reason: 'UnknownOwner' };
}

/** Whether the pod is a Job's: only then are the facts of the Job worth a request. */
export function isOwnedByJob(pod: PodFacts): boolean {
  return pod.owner !== undefined && groupKind(pod.owner) === 'batch/Job';
}

function replacementOfJobPod(job: JobFacts | undefined): ReplacementByOwner {
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
