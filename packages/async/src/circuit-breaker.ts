/**
 * `closed`: calls pass. `open`: calls are rejected. `half-open`: one call may pass as a probe, whose outcome closes or
 * opens the circuit.
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

export type CircuitAdmission =
  | { readonly kind: 'allowed' }
  /** `retryAtMs`: the earliest time at which a call may pass. */
  | { readonly kind: 'rejected'; readonly retryAtMs: number };

export interface CircuitBreakerOptions {
  /** The number of failures in a row that opens the circuit. */
  readonly failureThreshold: number;
  /**
   * `failureThreshold` failures within this time also open the circuit, even with successes between them. With 0, the
   * default, only failures in a row count.
   */
  readonly windowMs?: number;
  /** How long the circuit stays open at first. Each failed probe doubles the time. */
  readonly firstOpenMs: number;
  readonly maxOpenMs: number;
}

const ALLOWED: CircuitAdmission = { kind: 'allowed' };

/**
 * A circuit breaker (Nygard, "Release It!"): it blocks calls to a dependency that fails, and allows single probes to
 * detect its recovery. It has no clock and no timer: callers pass the time in monotonic milliseconds.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #failures = 0;
  /** Times of the failures within the window. */
  #recent: readonly number[] = [];
  #failingSinceMs = 0;
  #openMs: number;
  /** When the circuit allows a probe. Undefined while the circuit is closed. */
  #openUntilMs: number | undefined;
  /** The admission of the probe; undefined while no probe is in flight. */
  #probe: CircuitAdmission | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#openMs = options.firstOpenMs;
  }

  /** Whether the circuit is closed, so that every call passes. */
  get isClosed(): boolean {
    return this.#openUntilMs === undefined;
  }

  state(nowMs: number): CircuitState {
    if (this.#openUntilMs === undefined) return 'closed';
    return nowMs < this.#openUntilMs ? 'open' : 'half-open';
  }

  /**
   * Returns the milliseconds since the first of the current failures in a row, or 0 if there are no current failures.
   */
  failingForMs(nowMs: number): number {
    return this.#failures === 0 ? 0 : nowMs - this.#failingSinceMs;
  }

  /**
   * Requests permission for a call. The caller must report the outcome of an allowed call by `recordSuccess`,
   * `recordFailure` or `release`. The caller passes the returned admission to `recordFailure` and `release`, because
   * only the failure or release of the probe itself ends the probe.
   */
  tryAcquire(nowMs: number): CircuitAdmission {
    if (this.#openUntilMs === undefined) return ALLOWED;
    if (nowMs < this.#openUntilMs) return { kind: 'rejected', retryAtMs: this.#openUntilMs };
    if (this.#probe !== undefined) return { kind: 'rejected', retryAtMs: nowMs + this.#options.firstOpenMs };
    this.#probe = { kind: 'allowed' };
    return this.#probe;
  }

  /**
   * Records that a call succeeded, and closes the circuit, because the dependency works now, even if the call began
   * before the circuit opened. If the circuit was closed, earlier failures in the window still count.
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
   * Records that a call failed. The circuit opens at the threshold. A failed probe keeps the circuit open for twice as
   * long. If a call that began before the circuit opened fails, nothing changes, because otherwise many calls in flight
   * would each double that time.
   *
   * @param admission the result of `tryAcquire`; not needed for a call that was made while the circuit was closed
   */
  recordFailure(nowMs: number, admission?: CircuitAdmission): void {
    if (this.#failures === 0) this.#failingSinceMs = nowMs;
    this.#failures += 1;
    const isProbe = this.#endProbe(admission);
    if (isProbe || (this.#openUntilMs === undefined && this.#reachesThreshold(nowMs))) this.trip(nowMs);
  }

  /**
   * Records that a call ended without an outcome, for example by an abort. If this call was the probe, another call may
   * become the probe.
   */
  release(admission: CircuitAdmission): void {
    this.#endProbe(admission);
  }

  /** Opens the circuit at once, or keeps it open for twice as long. */
  trip(nowMs: number): void {
    if (this.#openUntilMs !== undefined) this.#openMs = Math.min(this.#openMs * 2, this.#options.maxOpenMs);
    this.#openUntilMs = nowMs + this.#openMs;
  }

  /** Returns whether the call was the probe. If so, no probe is in flight from now on. */
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
