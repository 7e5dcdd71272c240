import type { Target } from '../config/connection-settings.ts';
import type { FetchFailure } from '../http/outcome.ts';

/** The permits that the requests of a background inspection need. */
export interface RequestPermit {
  /** Waits before a request; returns undefined when it may be sent. */
  acquire(target: Target, signal: AbortSignal): Promise<FetchFailure | undefined>;
}
