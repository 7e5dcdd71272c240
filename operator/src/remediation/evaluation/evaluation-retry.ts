import type { EvictionDecision, PodFacts, WaitReason } from '@archpolicy/core';

/**
 * Reasons for waiting that end only when a registry responds or the policy's status is written. Neither enqueues the
 * pod, so the pod is evaluated again after a back-off.
 */
const BACKS_OFF: ReadonlySet<string> = new Set<WaitReason>(['ImagesUnknown', 'Relaxing']);
/** The first delay of the back-off. It doubles with each further evaluation. */
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 5 * 60_000;
/** Minimum delay. Without it, a decision whose `untilMs` is already in the past would be repeated without a pause. */
export const MIN_DELAY_MS = 50;
/** Maximum delay. A pod with a long delay is nevertheless evaluated by the recheck, once in each recheck interval. */
const MAX_DELAY_MS = 60 * 60_000;

/** Computes when a pod whose eviction is delayed is evaluated again. */
export class EvaluationRetry {
  /** Number of consecutive evaluations that ended without a result, by the pod's UID. */
  readonly #unanswered = new Map<string, number>();

  /**
   * Returns the milliseconds until the next evaluation. Returns undefined if no delayed evaluation is needed, because a
   * change of the pod or its node will enqueue the pod.
   */
  delayMs({ uid }: PodFacts, decision: EvictionDecision, nowMs: number): number | undefined {
    if (!BACKS_OFF.has(decision.reason)) this.forget(uid);
    // No delayed evaluation is needed for NodeNotReady, because a change of the node enqueues its pods.
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
