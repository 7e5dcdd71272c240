/** The meaning of the API server's response to a patch that lifts a gate. */
export type LiftResponse =
  | { readonly kind: 'lifted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  /**
   * The pod changed since it was read, or a webhook or policy refused the patch with the same status. Read the pod
   * again to find out.
   */
  | { readonly kind: 'conflict' }
  /** A policy, a webhook or the API's own validation refuses this patch. */
  | { readonly kind: 'refused' }
  /**
   * 500: returned by the admission plugin PodTolerationRestriction that refuses a toleration, by a webhook that fails,
   * and by an API server whose etcd fails. One response does not show which.
   * https://github.com/kubernetes/kubernetes/blob/v1.36.0/plugin/pkg/admission/podtolerationrestriction/admission.go
   */
  | { readonly kind: 'internal-error' }
  /** The API server is overloaded, fails, or rejects the credentials for now: the same patch may pass later. */
  | { readonly kind: 'transient-error' };

/** 4xx statuses that do not depend on the patch: it is retried, and no lower level is tried. */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([
  401, // rotated credentials: they are read again
  408, // timeout
  425, // too early
  429, // too many requests
]);

/**
 * Returns the meaning of a response status. 409 is usually the lock on `resourceVersion`, and 422 a failed `test`
 * operation; but a policy or webhook may refuse every attempt with either.
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
   * Find out whether the patch itself causes the error: dry-run the lower levels, then try this one again. If it fails
   * while a lower level passes, use that level. `next`: dry-run only the next level; `any`: all of them, the first that
   * passes counts.
   */
  | { readonly kind: 'compare'; readonly lower: 'next' | 'any' }
  /** Nothing to try now: start again at the first level after a back-off. */
  | { readonly kind: 'retry-later' };

export interface LiftProgress {
  /** There is a level below the current one. */
  readonly hasNext: boolean;
  /** After a conflict: the pod that was read again has another version, or does not exist. */
  readonly changed: boolean;
  /** After a 500: an earlier pass also got 500 for the same patch. */
  readonly repeated: boolean;
  /** The pod has waited too long to hope that the errors end, see `escalates`. */
  readonly escalate: boolean;
}

/**
 * PL12: returns the next step. After a conflict lifting starts again, a refusal leads to the next lower level at once,
 * and transient errors are retried; no pod stays gated. A 500 counts as a refusal only if the next lower patch would
 * pass at the same moment.
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

/** Failed passes before all lower levels are compared: about 6 s of back-off. */
const MIN_PASSES = 5;

/**
 * Whether transient errors may lead to any lower level. When the pod's timeout is over and it has failed often, each
 * pass compares all levels, because every patch that constrains may fail (a webhook that fails on affinity).
 */
export function escalates(passes: number, overdue: boolean): boolean {
  return overdue && passes >= MIN_PASSES;
}

/**
 * Whether a patch would be accepted, from the response to its dry run. As the last resort of an overdue pod, a refusal
 * counts as well: it shows that the API server works, and a webhook without support for dry runs refuses each of them.
 */
export function passesDryRun(answer: LiftResponse, isLastResort: boolean): boolean {
  if (answer.kind === 'lifted' || answer.kind === 'gone') return true;
  return isLastResort && (answer.kind === 'refused' || answer.kind === 'conflict');
}

function oneLevelDown(hasNext: boolean): LiftStep {
  return { kind: hasNext ? 'next-level' : 'retry-later' };
}
