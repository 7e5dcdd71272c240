/** The meaning of the API server's response to a lifting patch. */
export type LiftAnswer =
  | { readonly kind: 'lifted' }
  /** The pod does not exist. */
  | { readonly kind: 'gone' }
  /** The pod changed since it was read, or another rule rejected the patch with the same status. Reading it again shows which. */
  | { readonly kind: 'contested' }
  /** Rejected by a policy, a webhook or the API's own rules. */
  | { readonly kind: 'refused' }
  /**
   * 500. The causes cannot be distinguished by one response: the admission plugin PodTolerationRestriction rejects a
   * toleration, a webhook fails, or etcd fails.
   * https://github.com/kubernetes/kubernetes/blob/v1.36.0/plugin/pkg/admission/podtolerationrestriction/admission.go
   */
  | { readonly kind: 'internal-error' }
  /** A transient error: the API server is overloaded, unavailable, or rejects our credentials. */
  | { readonly kind: 'trouble' };

/** Transient 4xx statuses, which are independent of the patch: a smaller patch is not tried. */
const PASSING: ReadonlySet<number> = new Set([
  401, // rotated credentials, which are reloaded
  408, // request timeout
  425, // too early
  429, // too many requests
]);

/**
 * Maps the status of a response. 409 is the lock on `resourceVersion`, 422 a failed `test` operation; but policies and webhooks
 * may also reject with either, permanently.
 */
export function readLiftAnswer(status: number): LiftAnswer {
  if (status >= 200 && status < 300) return { kind: 'lifted' };
  if (status === 404) return { kind: 'gone' };
  if (status === 409 || status === 422) return { kind: 'contested' };
  if (status === 500) return { kind: 'internal-error' };
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { kind: 'refused' };
  return { kind: 'trouble' };
}

/** The next step after a response. */
export type LiftStep =
  | { readonly kind: 'finished' }
  /** Read the pod, decide again and start at the first level. */
  | { readonly kind: 'again' }
  | { readonly kind: 'next-level' }
  /**
   * Check whether the patch causes the error: if a lower level passes a dry run and this level then fails again, continue with
   * the lower level. `next`: only the next level; `any`: the first one that passes.
   */
  | { readonly kind: 'compare'; readonly lower: 'next' | 'any' }
  /** Retry from the first level after a back-off. */
  | { readonly kind: 'later' };

export interface LiftProgress {
  /** There is a lower level. */
  readonly hasNext: boolean;
  /** After `contested`: the pod was read again and has another version, or is gone. */
  readonly changed: boolean;
  /** After a 500: the same patch also received 500 in an earlier pass. */
  readonly repeated: boolean;
  /** Lower levels may be tried after transient errors, see `escalates`. */
  readonly escalate: boolean;
}

/**
 * PL12: restarts after a conflict, goes one level down after a rejection, and backs off after a transient error. No path leaves
 * the pod gated. A 500 counts as a rejection only if the next lower patch would pass at the same time.
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
      return afterTransientError(progress, progress.repeated);
    case 'trouble':
      return afterTransientError(progress, false);
  }
}

/** @param isSuspect whether the patch itself may cause the error */
function afterTransientError({ hasNext, escalate }: LiftProgress, isSuspect: boolean): LiftStep {
  if (!hasNext || (!escalate && !isSuspect)) return { kind: 'later' };
  return { kind: 'compare', lower: escalate ? 'any' : 'next' };
}

/** Failed passes before any lower level may be compared: about 6 s of back-off. */
const MIN_PASSES = 5;

/**
 * Returns whether a transient error may lead to any lower level. After the time-out and several failed passes, each pass compares
 * all levels, because the error may affect all patches with constraints (a webhook that fails on affinity).
 */
export function escalates(passes: number, overdue: boolean): boolean {
  return overdue && passes >= MIN_PASSES;
}

/**
 * Returns whether a patch would be accepted according to its dry run. As the last resort for an overdue pod, a rejection counts,
 * too: the API server works, and a webhook without dry-run support causes a rejection.
 */
export function passesDryRun(answer: LiftAnswer, isLastResort: boolean): boolean {
  if (answer.kind === 'lifted' || answer.kind === 'gone') return true;
  return isLastResort && (answer.kind === 'refused' || answer.kind === 'contested');
}

function down(hasNext: boolean): LiftStep {
  return { kind: hasNext ? 'next-level' : 'later' };
}
