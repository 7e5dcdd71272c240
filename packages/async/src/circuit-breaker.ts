/** `closed`: calls pass. `open`: calls are rejected. `half-open`: one call may pass as a probe, whose outcome decides. */
export type CircuitState = 'closed' | 'open' | 'half-open';

export type CircuitAdmission =
  | { readonly kind: 'allowed' }
  /** `retryAtMs`: when the next call may pass, at the earliest. */
  | { readonly kind: 'rejected'; readonly retryAtMs: number };

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failureThreshold: number;
  /** As many failures within this time open it too, even with successes between them. 0 by default: only failures in a row count. */
  readonly windowMs?: number;
  /** How long it stays open at first; doubled with each failure while it is not closed. */
  readonly firstOpenMs: number;
  readonly maxOpenMs: number;
}

const ALLOWED: CircuitAdmission = { kind: 'allowed' };

/**
 * A circuit breaker (Nygard, "Release It!"): blocks calls to a dependency that fails, and allows single probes to detect its
 * recovery. Has no clock and no timer; times are monotonic milliseconds.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  /** Times of the failures within the window. */
  #recent: readonly number[] = [];
  #failingSinceMs = 0;
  #openMs: number;
  /** Undefined while closed. */
  #openUntilMs: number | undefined;
  /** The admission of the probe; undefined while no probe is in flight. */
  #probe: CircuitAdmission | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#openMs = options.firstOpenMs;
  }

  /** Whether calls pass without being probes. */
  get isClosed(): boolean {
    return this.#openUntilMs === undefined;
  }

  state(nowMs: number): CircuitState {
    if (this.#openUntilMs === undefined) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** Milliseconds since the first of the current failures in a row; 0 without any. */
  failingForMs(nowMs: number): number {
    return this.#failures === 0 ? 0 : nowMs - this.#failingSinceMs;
  }

  /**
   * Requests permission for a call. The outcome of an allowed call must be reported by `recordSuccess`, `recordFailure` or `release`, the last two
   * with the admission: only the probe's own outcome ends the probe.
   */
  tryAcquire(nowMs: number): CircuitAdmission {
    if (this.#openUntilMs === undefined) return ALLOWED;
    if (nowMs < this.#openUntilMs) return { kind: 'rejected', retryAtMs: this.#openUntilMs };
    if (this.#probe !== undefined) return { kind: 'rejected', retryAtMs: nowMs + this.#options.firstOpenMs };
    this.#probe = { kind: 'allowed' };
    return this.#probe;
  }

  /**
   * A call succeeded: closes the circuit, even if the call began before it opened, because the dependency works now.
   * Failures in the window still count, unless it was open.
   */
  recordSuccess(): void {
    this.#failures = 0;
    this.#probe = undefined;
    if (this.#openUntilMs === undefined) return;
    this.#openUntilMs = undefined;
    this.#openMs = this.#options.firstOpenMs;
    this.#recent = [];
  }

  /**
   * A call failed: opens the circuit at the threshold. A probe keeps it open for twice as long; a call that began before
   * it opened changes nothing, or many calls in flight would double the time at once.
   *
   * @param admission what `tryAcquire` returned; absent for a call that was made while the circuit was closed
   */
  recordFailure(nowMs: number, admission?: CircuitAdmission): void {
    if (this.#failures === 0) this.#failingSinceMs = nowMs;
    this.#failures += 1;
    const isProbe = this.#endProbe(admission);
    if (isProbe || (this.#openUntilMs === undefined && this.#reachesThreshold(nowMs))) this.trip(nowMs);
  }

  /** A call ended without an outcome, such as by an abort. If it was the probe, another call may probe. */
  release(admission: CircuitAdmission): void {
    this.#endProbe(admission);
  }

  /** Opens the circuit at once, or keeps it open for twice as long. */
  trip(nowMs: number): void {
    if (this.#openUntilMs !== undefined) this.#openMs = Math.min(this.#openMs * 2, this.#options.maxOpenMs);
    this.#openUntilMs = nowMs + this.#openMs;
  }

  /** Returns whether the call was the probe, and clears it. */
  #endProbe(admission: CircuitAdmission | undefined): boolean {
    if (admission === undefined || admission !== this.#probe) return false;
    this.#probe = undefined;
    return true;
  }

  #reachesThreshold(nowMs: number): boolean {
    const { failureThreshold, windowMs = 0 } = this.#options;
    if (this.#failures >= failureThreshold) return true;
    if (windowMs === 0) return false;
    this.#recent = [...this.#recent, nowMs].filter((atMs) => nowMs - atMs < windowMs);
    return this.#recent.length >= failureThreshold;
  }
}
