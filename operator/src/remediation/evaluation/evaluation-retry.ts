import type { EvictionDecision, PodFacts, WaitReason } from '@archpolicy/core';

/** What another party has to answer first: a registry, or the writer of the policy's status. Nothing shows when it will. */
const BACKS_OFF: ReadonlySet<string> = new Set<WaitReason>(['ImagesUnknown', 'Relaxing']);
/** Then the pod is evaluated again after this long, doubled each time. */
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 5 * 60_000;
/** The time at which a decision can change may have passed already. */
export const MIN_DELAY_MS = 50;
/** What waits longer is found by the recheck. */
const MAX_DELAY_MS = 60 * 60_000;

/** When a pod whose eviction waits is evaluated again. */
export class EvaluationRetry {
  /** Evaluations in a row without an answer, by the pod's UID. */
  readonly #unanswered = new Map<string, number>();

  /** Milliseconds until the next evaluation; undefined when none is due before something changes. */
  delayMs({ uid }: PodFacts, decision: EvictionDecision, nowMs: number): number | undefined {
    if (!BACKS_OFF.has(decision.reason)) this.forget(uid);
    // A change of its node has its pods evaluated again.
    if (decision.kind !== 'wait' || decision.reason === 'NodeNotReady') return undefined;
    if (decision.untilMs !== undefined) return clamp(decision.untilMs - nowMs);
    const failures = this.#unanswered.get(uid) ?? 0;
    this.#unanswered.set(uid, failures + 1);
    return Math.min(FIRST_BACKOFF_MS * 2 ** failures, MAX_BACKOFF_MS);
  }

  forget(uid: string): void {
    this.#unanswered.delete(uid);
  }
}

function clamp(delayMs: number): number {
  return Math.min(Math.max(delayMs, MIN_DELAY_MS), MAX_DELAY_MS);
}
