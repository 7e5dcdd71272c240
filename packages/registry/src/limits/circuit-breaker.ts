/** Failures in a row after which a host is left alone: one may be an accident, five are not. */
const FAILURES_TO_OPEN = 5;
const FIRST_PAUSE_MS = 5_000;
/** A registry that comes back is noticed within this. */
const MAX_PAUSE_MS = 60_000;

export type Passage = { readonly kind: 'pass' } | { readonly kind: 'closed-until'; readonly untilMs: number };

/**
 * Leaves a host alone that fails again and again, and lets one request through now and then to see. Times are monotonic
 * milliseconds.
 */
export class CircuitBreaker {
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #untilMs = 0;
  #probing = false;

  enter(nowMs: number): Passage {
    if (this.#failures < FAILURES_TO_OPEN) return { kind: 'pass' };
    if (nowMs < this.#untilMs) return { kind: 'closed-until', untilMs: this.#untilMs };
    if (this.#probing) return { kind: 'closed-until', untilMs: nowMs + FIRST_PAUSE_MS };
    this.#probing = true;
    return { kind: 'pass' };
  }

  /** The host answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#probing = false;
  }

  failed(nowMs: number): void {
    const wasOpen = this.#failures >= FAILURES_TO_OPEN;
    this.#failures += 1;
    this.#probing = false;
    if (this.#failures < FAILURES_TO_OPEN) return;
    if (wasOpen) this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    this.#untilMs = nowMs + this.#pauseMs;
  }

  /** The request said nothing about the host: it was ended from our side. */
  abandoned(): void {
    this.#probing = false;
  }
}
