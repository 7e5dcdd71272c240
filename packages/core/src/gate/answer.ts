/** What an answer of the API server to a lifting patch means. */
export type LiftAnswer =
  | { readonly kind: 'lifted' }
  /** The pod is not there any more. */
  | { readonly kind: 'gone' }
  /** The pod changed since it was read, or something refused the patch with the same status: reading it again tells. */
  | { readonly kind: 'contested' }
  /** A policy, a webhook or the API's own rules do not let this patch pass. */
  | { readonly kind: 'refused' }
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
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { kind: 'refused' };
  return { kind: 'trouble' };
}

/** What to do after an answer. */
export type LiftStep =
  | { readonly kind: 'finished' }
  /** Read the pod, decide and begin at the first rung again. */
  | { readonly kind: 'again' }
  | { readonly kind: 'next-rung' }
  /** Nothing more to try now: again from the first rung after a back-off. */
  | { readonly kind: 'later' };

export interface LiftProgress {
  /** There is a rung below the one that was answered. */
  readonly hasNext: boolean;
  /** After a contested answer: the pod as read again is another version, or is gone. */
  readonly changed: boolean;
  /** The pod has been waiting for too long to hope that trouble passes, see `isStubborn`. */
  readonly stubborn: boolean;
}

/** PL12: conflicts begin again, refusals go one rung down at once, trouble waits; no way ends with a pod gated. */
export function stepAfter(answer: LiftAnswer, { hasNext, changed, stubborn }: LiftProgress): LiftStep {
  switch (answer.kind) {
    case 'lifted':
    case 'gone':
      return { kind: 'finished' };
    case 'contested':
      return changed ? { kind: 'again' } : down(hasNext);
    case 'refused':
      return down(hasNext);
    case 'trouble':
      return stubborn ? down(hasNext) : { kind: 'later' };
  }
}

/** Passes that ended in trouble before lower rungs are tried in the same pass: about 6 s of back-off. */
const STUBBORN_PASSES = 5;

/**
 * A webhook that fails on a patch answers 500 as an overloaded API server does. Once the pod's time is up and it has
 * failed often, each pass tries all rungs, the first one first: when the trouble was the server's, the first one passes.
 */
export function isStubborn(passes: number, overdue: boolean): boolean {
  return overdue && passes >= STUBBORN_PASSES;
}

function down(hasNext: boolean): LiftStep {
  return { kind: hasNext ? 'next-rung' : 'later' };
}
