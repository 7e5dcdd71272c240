import type { Inspection } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';

/**
 * Delays between inspections of an image. They are short at first, because a registry may fail only briefly. During an
 * outage they grow to 15 to 30 s.
 */
const FIRST_MS = 1_000;
const MAX_MS = 30_000;
/**
 * Maximum random delay after `retryAtMs`. A request exactly at `retryAtMs` may be too early, and requests for several
 * images of one registry should not be sent at the same time.
 */
const AFTER_RETRY_AT_MS = 250;

/**
 * Returns the delay until an image that pods wait for is inspected again; undefined when waiting does not change the
 * result. If the inspection has a `retryAtMs`, for example from a rate limit, the delay ends at that time. Otherwise
 * the delay is an exponential back-off with jitter.
 *
 * @param attempts inspections made so far, 1 or more
 * @param random in [0, 1)
 */
export function inspectionRetryDelayMs(
  inspection: Inspection,
  { attempts, nowMs, random }: { readonly attempts: number; readonly nowMs: number; readonly random: number },
): number | undefined {
  if (inspection.kind === 'resolved' || !WAITING_HELPS.has(inspection.reason)) return undefined;
  const { retryAtMs } = inspection;
  if (retryAtMs !== undefined && retryAtMs > nowMs) return retryAtMs - nowMs + AFTER_RETRY_AT_MS * random;
  return backOff(attempts, FIRST_MS, MAX_MS, random);
}

/**
 * Delays between attempts to lift a gate. They are short at first, because the API server may be overloaded only
 * briefly. During an outage they grow to 15 to 30 s.
 */
const LIFT_FIRST_MS = 200;
const LIFT_MAX_MS = 30_000;

/**
 * Returns the delay until the next attempt to lift a gate. The number of attempts is not limited. One attempt is made
 * at the pod's timeout, because from then on transient errors may lead to a lower level.
 *
 * @param passes failed passes over the patches so far, 1 or more
 */
export function liftRetryDelayMs(
  passes: number,
  random: number,
  {
    retryAfterMs = 0,
    remainingMs = 0,
  }: { readonly retryAfterMs?: number | undefined; readonly remainingMs?: number } = {},
): number {
  const delayMs = backOff(passes, LIFT_FIRST_MS, LIFT_MAX_MS, random);
  return Math.max(retryAfterMs, remainingMs > 0 ? Math.min(delayMs, remainingMs) : delayMs);
}

/** Returns a delay with jitter. The delay doubles with each attempt. The jitter reduces the delay by up to a half. */
function backOff(attempts: number, firstMs: number, maxMs: number, random: number): number {
  return Math.min(maxMs, firstMs * 2 ** (attempts - 1)) * (0.5 + random / 2);
}
