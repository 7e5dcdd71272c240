import type { PodFacts } from '../kubernetes/facts.ts';
import { groupKind } from '../kubernetes/owner.ts';
import { nodeBound } from '../pod/node-bound.ts';
import type { NodeBound } from '../pod/node-bound.ts';
import { isReplacingOwner } from '../pod/replacing-owners.ts';
import type { JobFacts } from './job.ts';

/** Whether the pod's owner replaces it, or why not (R2). The reason is a metric label. */
export type ReplacementByOwner =
  { readonly kind: 'replaced' } | { readonly kind: 'not-replaced'; readonly reason: NotReplacedReason };

export type NotReplacedReason = NodeBound | 'BarePod' | 'UnknownOwner' | 'JobUnknown' | 'JobWouldFail';

/**
 * Returns whether the owner replaces this pod once it is evicted (R2).
 *
 * @param job the facts of the Job that owns the pod; undefined if the owner is no Job, or the Job could not be read
 * @param ownerKinds further owners that replace their pods, as `group/Kind` (from the policy)
 */
export function evaluateReplacement(
  pod: PodFacts,
  job: JobFacts | undefined,
  ownerKinds: readonly string[],
): ReplacementByOwner {
  // This check comes before the others, because a DaemonSet creates the next pod on the same node, even if `ownerKinds`
  // lists DaemonSets.
  const reason = nodeBound(pod);
  if (reason !== undefined) return { kind: 'not-replaced', reason };
  if (pod.owner === undefined) return { kind: 'not-replaced', reason: 'BarePod' };
  if (groupKind(pod.owner) === 'batch/Job') return replacementOfJobPod(job);
  if (isReplacingOwner(pod.owner, ownerKinds)) return { kind: 'replaced' };
  return { kind: 'not-replaced', reason: 'UnknownOwner' };
}

/** Returns whether a Job owns the pod. If so, the caller must read the Job. */
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
