import type { Bucket } from '../cache/shared-store.ts';

/** A token bucket of one process, used while there is no store to share one. Times are monotonic milliseconds. */
export class TokenBucket {
  #tokens: number;
  #atMs: number;

  constructor(burst: number, nowMs: number) {
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Milliseconds to wait for one's turn; beyond the bucket's longest wait no place was taken. */
  take({ perSecond, burst, maxWaitMs }: Bucket, nowMs: number): number {
    const perMs = perSecond / 1000;
    const tokens = Math.min(burst, this.#tokens + Math.max(0, nowMs - this.#atMs) * perMs) - 1;
    const waitMs = tokens < 0 ? Math.ceil(-tokens / perMs) : 0;
    if (waitMs > maxWaitMs) return waitMs;
    this.#tokens = tokens;
    this.#atMs = nowMs;
    return waitMs;
  }
}
