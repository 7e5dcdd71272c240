import type { EvictionDecision, PodFacts, WaitReason } from '@archpolicy/core';

/** Reasons that a registry, or a write of the policy's status, must resolve first. Nothing shows when. */
const BACKS_OFF: ReadonlySet<string> = new Set<WaitReason>(['ImagesUnknown', 'Relaxing']);
/** For these, the delay of the next evaluation. It doubles each time. */
const FIRST_BACKOFF_MS = 2_000;
const MAX_BACKOFF_MS = 5 * 60_000;
/** Minimum delay: the time at which a decision can change may have passed already. */
export const MIN_DELAY_MS = 50;
/** Maximum delay. The recheck evaluates the pod in any case. */
const MAX_DELAY_MS = 60 * 60_000;

/** Computes when a pod whose eviction is delayed is evaluated again. */
export class EvaluationRetry {
  /** Consecutive evaluations without a result, by the pod's UID. */
  readonly #unanswered = new Map<string, number>();

  /** Returns the milliseconds until the next evaluation; undefined if it only follows a change. */
  delayMs({ uid }: PodFacts, decision: EvictionDecision, nowMs: number): number | undefined {
    if (!BACKS_OFF.has(decision.reason)) this.forget(uid);
    // A change of the node enqueues its pods.
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
