/** Failures in a row after which a host is left alone: one may be an accident, five are not. */
const FAILURES_TO_OPEN = 5;
const FIRST_PAUSE_MS = 1_000;
/** A registry that comes back after long is noticed within this, and asked no more than twice a minute until then. */
const MAX_PAUSE_MS = 30_000;

/**
 * Failures that last longer are an outage: it is told as such, and no pod waits for it any more. Until then, half of the
 * default `gateTimeout`, waiting may help, however many failed meanwhile.
 */
const OUTAGE_MS = 30_000;

export type Passage =
  { readonly kind: 'pass' } | { readonly kind: 'closed-until'; readonly untilMs: number; readonly isOutage: boolean };

/**
 * Leaves a host alone that fails again and again, and lets one request through now and then to see. Times are monotonic
 * milliseconds.
 */
export class CircuitBreaker {
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #untilMs = 0;
  /** When the first of the failures in a row was seen. */
  #failingSinceMs = 0;
  #probing = false;

  enter(nowMs: number): Passage {
    if (this.#failures < FAILURES_TO_OPEN) return { kind: 'pass' };
    const isOutage = nowMs - this.#failingSinceMs >= OUTAGE_MS;
    if (nowMs < this.#untilMs) return { kind: 'closed-until', untilMs: this.#untilMs, isOutage };
    if (this.#probing) return { kind: 'closed-until', untilMs: nowMs + FIRST_PAUSE_MS, isOutage };
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
    if (this.#failures === 0) this.#failingSinceMs = nowMs;
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
