/** What an answer of the API server to a lifting patch means. */
export type LiftAnswer =
  | { readonly kind: 'lifted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  /** The pod changed since it was read, or something refused the patch with the same status: reading it again tells. */
  | { readonly kind: 'contested' }
  /** A policy, a webhook or the API's own rules do not let this patch pass. */
  | { readonly kind: 'refused' }
  /**
   * 500. The admission plugin PodTolerationRestriction refuses a toleration with it, a webhook that fails returns it, and so
   * does an API server whose etcd has trouble: one answer cannot show which.
   * https://github.com/kubernetes/kubernetes/blob/v1.36.0/plugin/pkg/admission/podtolerationrestriction/admission.go
   */
  | { readonly kind: 'internal-error' }
  /** The API server is busy, broken, or does not know us at the moment: the patch may pass later. */
  | { readonly kind: 'trouble' };

/** Statuses of refusals that say nothing about the patch: what would pass later is not given up for less. */
const PASSING: ReadonlySet<number> = new Set([
  401, // credentials that were rotated; they are read again
  408, // time-out
  425, // too early
  429, // too many requests
]);

/**
 * Reads the status of an answer. 409 is the lock on `resourceVersion`, 422 a failed `test` operation; but policies and
 * webhooks may refuse with either, for ever.
 */
export function readLiftAnswer(status: number): LiftAnswer {
  if (status >= 200 && status < 300) return { kind: 'lifted' };
  if (status === 404) return { kind: 'gone' };
  if (status === 409 || status === 422) return { kind: 'contested' };
  if (status === 500) return { kind: 'internal-error' };
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { kind: 'refused' };
  return { kind: 'trouble' };
}

/** What to do after an answer. */
export type LiftStep =
  | { readonly kind: 'finished' }
  /** Read the pod, decide and begin at the first level again. */
  | { readonly kind: 'again' }
  | { readonly kind: 'next-level' }
  /**
   * Find out whether the patch is the trouble: where a lower level passes a dry run and this one fails again after it, that
   * level follows. `next`: only the next one; `any`: the first one that passes.
   */
  | { readonly kind: 'compare'; readonly lower: 'next' | 'any' }
  /** Nothing more to try now: again from the first level after a back-off. */
  | { readonly kind: 'later' };

export interface LiftProgress {
  /** There is a level below the one that was answered. */
  readonly hasNext: boolean;
  /** After a contested answer: the pod as read again is another version, or is gone. */
  readonly changed: boolean;
  /** After a 500: the same patch was answered 500 in an earlier pass, too. */
  readonly repeated: boolean;
  /** The pod has been waiting for too long to hope that trouble passes, see `escalates`. */
  readonly escalate: boolean;
}

/**
 * PL12: conflicts begin again, refusals go one level down at once, trouble waits; no way ends with a pod gated. A 500
 * is a refusal only where the next lower patch would pass at the same moment.
 */
export function stepAfter(answer: LiftAnswer, progress: LiftProgress): LiftStep {
  const { hasNext, changed } = progress;
  switch (answer.kind) {
    case 'lifted':
    case 'gone':
      return { kind: 'finished' };
    case 'contested':
      return changed ? { kind: 'again' } : down(hasNext);
    case 'refused':
      return down(hasNext);
    case 'internal-error':
      return afterTrouble(progress, progress.repeated);
    case 'trouble':
      return afterTrouble(progress, false);
  }
}

/** @param isSuspect whether the patch itself may be the trouble */
function afterTrouble({ hasNext, escalate }: LiftProgress, isSuspect: boolean): LiftStep {
  if (!hasNext || (!escalate && !isSuspect)) return { kind: 'later' };
  return { kind: 'compare', lower: escalate ? 'any' : 'next' };
}

/** Passes that ended in trouble before any lower level may be compared: about 6 s of back-off. */
const MIN_PASSES = 5;

/**
 * Whether trouble may lead down to any level. Once the pod's time is up and it has failed often, each pass compares all
 * levels: the trouble can be of every patch that constrains (a webhook that fails on affinity).
 */
export function escalates(passes: number, overdue: boolean): boolean {
  return overdue && passes >= MIN_PASSES;
}

/**
 * Whether a patch that was dry-run would be accepted. As the last resort of an overdue pod one that is refused counts:
 * the API server is well, and a webhook that does not support dry runs has it refused.
 */
export function passesDryRun(answer: LiftAnswer, isLastResort: boolean): boolean {
  if (answer.kind === 'lifted' || answer.kind === 'gone') return true;
  return isLastResort && (answer.kind === 'refused' || answer.kind === 'contested');
}

function down(hasNext: boolean): LiftStep {
  return { kind: hasNext ? 'next-level' : 'later' };
}
