import type { LastAttempt } from '@archpolicy/core';

/** A failed attempt, and when the next one may follow. */
export interface FailedAttempt {
  readonly reason: LastAttempt['reason'];
  /** Monotonic milliseconds, so that a step of the wall clock neither delays nor hastens the next attempt. */
  readonly retryAtMonotonicMs: number;
}

/** The outcome of this leader's attempts to evict one pod. */
export type AttemptState =
  | { readonly kind: 'none' }
  /** The API server has accepted the eviction. The pod is not evicted a second time (P3). */
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'failed';
      readonly lastAttempt: FailedAttempt;
      /** Number of consecutive failed attempts. */
      readonly failures: number;
    };

const NONE: AttemptState = { kind: 'none' };

/** The outcomes of this leader's attempts, by pod. An outcome is dropped when its pod is deleted. */
export class EvictionAttempts {
  readonly #byKey = new Map<string, { readonly uid: string; readonly state: AttemptState }>();

  /**
   * Returns the state of the pod with this key and UID. Returns `none` if the recorded attempts were for an earlier pod
   * of this name.
   */
  get(key: string, uid: string): AttemptState {
    const known = this.#byKey.get(key);
    return known?.uid === uid ? known.state : NONE;
  }

  /** Whether the last attempt got no response. The API server may still have accepted this attempt. */
  isUnanswered(key: string, uid: string): boolean {
    const state = this.get(key, uid);
    return state.kind === 'failed' && state.lastAttempt.reason === 'NoAnswer';
  }

  countFailures(key: string, uid: string): number {
    const state = this.get(key, uid);
    return state.kind === 'failed' ? state.failures : 0;
  }

  accepted(key: string, uid: string): void {
    this.#byKey.set(key, { uid, state: { kind: 'accepted' } });
  }

  failed(key: string, uid: string, lastAttempt: FailedAttempt): void {
    const failures = this.countFailures(key, uid) + 1;
    this.#byKey.set(key, { uid, state: { kind: 'failed', lastAttempt, failures } });
  }

  /** Drops the attempts for a pod. Must be called when a disruption budget has rejected the eviction. */
  reset(key: string): void {
    this.#byKey.delete(key);
  }

  /**
   * Drops the attempts for a deleted pod. Returns true if the last attempt got no response. Because the pod has been
   * deleted, that attempt counts as accepted.
   */
  forget(key: string): boolean {
    const known = this.#byKey.get(key);
    this.#byKey.delete(key);
    return known?.state.kind === 'failed' && known.state.lastAttempt.reason === 'NoAnswer';
  }

  get size(): number {
    return this.#byKey.size;
  }
}
