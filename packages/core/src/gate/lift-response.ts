/** The meaning of the API server's response to a patch that lifts a gate. */
export type LiftResponse =
  | { readonly kind: 'lifted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  /**
   * The pod changed since it was read, or a webhook or policy refused the patch with the same status. To distinguish
   * these two cases, the pod must be read again.
   */
  | { readonly kind: 'conflict' }
  /** A policy, a webhook or the API's own validation refuses this patch. */
  | { readonly kind: 'refused' }
  /**
   * Status 500, which has several causes: the admission plugin PodTolerationRestriction refused a toleration, a webhook
   * failed, or etcd failed. A single response does not show the cause.
   * https://github.com/kubernetes/kubernetes/blob/v1.36.0/plugin/pkg/admission/podtolerationrestriction/admission.go
   */
  | { readonly kind: 'internal-error' }
  /** The API server is overloaded, fails, or rejects the credentials for now: the same patch may pass later. */
  | { readonly kind: 'transient-error' };

/** 4xx statuses that do not depend on the patch. The same patch is retried, and no lower level is tried. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([
  401, // rotated credentials: they are read again
  408, // timeout
  425, // too early
  429, // too many requests
]);

/**
 * Returns the meaning of a response status. Usually 409 means that `resourceVersion` has changed, and 422 that a `test`
 * operation failed. But a policy or webhook may also refuse every attempt with one of these statuses.
 */
export function parseLiftResponse(status: number): LiftResponse {
  if (status >= 200 && status < 300) return { kind: 'lifted' };
  if (status === 404) return { kind: 'gone' };
  if (status === 409 || status === 422) return { kind: 'conflict' };
  if (status === 500) return { kind: 'internal-error' };
  if (status >= 400 && status < 500 && !RETRYABLE_STATUSES.has(status)) return { kind: 'refused' };
  return { kind: 'transient-error' };
}

/** The next action after a response. */
export type LiftStep =
  | { readonly kind: 'finished' }
  /** Read the pod, decide, and start again at the first level. */
  | { readonly kind: 'restart' }
  | { readonly kind: 'next-level' }
  /**
   * Find out whether the patch itself causes the error: dry-run lower levels, then try the current patch again. If it
   * still fails but a lower level passed its dry run, use the lower level. `next`: dry-run only the next level. `any`:
   * dry-run all lower levels until one passes.
   */
  | { readonly kind: 'compare'; readonly lower: 'next' | 'any' }
  /** Start again at the first level after a back-off. */
  | { readonly kind: 'retry-later' };

export interface LiftProgress {
  /** Whether a level below the current one exists. */
  readonly hasNext: boolean;
  /** After a conflict: whether the pod, read again, has another `resourceVersion` or no longer exists. */
  readonly changed: boolean;
  /** After a 500: whether an earlier pass also got 500 for the same patch. */
  readonly repeated: boolean;
  /** Whether to assume that the errors will not end (`escalates`). */
  readonly escalate: boolean;
}

/**
 * PL12: returns the next step. After a conflict, lifting starts again. After a refusal, the next lower level is tried
 * at once. After a transient error, the patch is retried. So no pod stays gated. A 500 counts as a refusal only if the
 * next lower patch would pass at the same moment.
 */
export function nextLiftStep(answer: LiftResponse, progress: LiftProgress): LiftStep {
  const { hasNext, changed } = progress;
  switch (answer.kind) {
    case 'lifted':
    case 'gone':
      return { kind: 'finished' };
    case 'conflict':
      return changed ? { kind: 'restart' } : oneLevelDown(hasNext);
    case 'refused':
      return oneLevelDown(hasNext);
    case 'internal-error':
      return afterError(progress, progress.repeated);
    case 'transient-error':
      return afterError(progress, false);
  }
}

/** @param isSuspect whether the patch itself may cause the error */
function afterError({ hasNext, escalate }: LiftProgress, isSuspect: boolean): LiftStep {
  if (!hasNext || (!escalate && !isSuspect)) return { kind: 'retry-later' };
  return { kind: 'compare', lower: escalate ? 'any' : 'next' };
}

/**
 * Minimum number of failed passes before all lower levels are compared. The delays between these passes add up to about
 * 6 s.
 */
const MIN_PASSES = 5;

/**
 * Whether to compare all lower levels after transient errors. True if the pod's timeout is over and lifting has failed
 * often, because every patch with a constraint may then fail, for example if a webhook fails on affinity.
 */
export function escalates(passes: number, overdue: boolean): boolean {
  return overdue && passes >= MIN_PASSES;
}

/**
 * Whether a patch would be accepted, from the response to its dry run. As a last resort for an overdue pod, a refused
 * dry run counts as accepted. The refusal shows that the API server works, and it may come from a webhook that does not
 * support dry runs and refuses all of them.
 */
export function passesDryRun(answer: LiftResponse, isLastResort: boolean): boolean {
  if (answer.kind === 'lifted' || answer.kind === 'gone') return true;
  return isLastResort && (answer.kind === 'refused' || answer.kind === 'conflict');
}

function oneLevelDown(hasNext: boolean): LiftStep {
  return { kind: hasNext ? 'next-level' : 'retry-later' };
}
