/** Time, as this package needs it. Tests inject a fake one. */
export interface Clock {
  /** Epoch milliseconds. For timestamps that others read, never for measuring. */
  now(): number;
  /** Milliseconds that only ever grow, from an arbitrary start. For measuring and for leases. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects as soon as the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A number in [0, 1), as `Math.random` gives it. */
export type Random = () => number;
