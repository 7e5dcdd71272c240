import type { EvictionDecision, PodFacts, WaitReason } from '@archpolicy/core';

/**
 * Reasons that end only when a registry responds or the policy's status is written. No event reports that, so the pod
 * is evaluated again after a back-off.
 */
const BACKS_OFF: ReadonlySet<string> = new Set<WaitReason>(['ImagesUnknown', 'Relaxing']);
/** The first delay of the back-off. It doubles with each further evaluation. */
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 5 * 60_000;
/** Minimum delay. It is needed because the time at which a decision can change may already be in the past. */
export const MIN_DELAY_MS = 50;
/** Maximum delay. Independently of it, the recheck evaluates the pod once in each interval. */
const MAX_DELAY_MS = 60 * 60_000;

/** Computes when a pod whose eviction is delayed is evaluated again. */
export class EvaluationRetry {
  /** Number of consecutive evaluations that ended without a result, by the pod's UID. */
  readonly #unanswered = new Map<string, number>();

  /**
   * Returns the milliseconds until the next evaluation. Returns undefined if only a change of the pod or its node
   * enqueues the pod again.
   */
  delayMs({ uid }: PodFacts, decision: EvictionDecision, nowMs: number): number | undefined {
    if (!BACKS_OFF.has(decision.reason)) this.forget(uid);
    // No delay is needed for NodeNotReady: a change of the node enqueues its pods.
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
