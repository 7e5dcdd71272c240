import type { Inspection } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';

/** Delays for inspections: short for a registry that fails briefly, and at most two per minute during an outage. */
const FIRST_MS = 1_000;
const MAX_MS = 30_000;
/**
 * A random delay after `retryAtMs`: a request at that very millisecond may be too early, and images of one registry
 * must not be requested together.
 */
const AFTER_RETRY_AT_MS = 250;

/**
 * Returns the delay until an image that pods wait for is inspected again; undefined when waiting does not change the
 * result. With a `retryAtMs`, such as that of a rate limit, the delay ends then. Otherwise it is an exponential
 * back-off with jitter.
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

/** Delays for patches: short for an overloaded API server, and at most two per minute during an outage. */
const LIFT_FIRST_MS = 200;
const LIFT_MAX_MS = 30_000;

/**
 * Returns the delay until the next attempt to lift a gate. Attempts do not end. One is made at the pod's timeout,
 * because from then on transient errors may lead to a lower level.
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

/** Doubles with each attempt, with a jitter between half of the delay and all of it. */
function backOff(attempts: number, firstMs: number, maxMs: number, random: number): number {
  return Math.min(maxMs, firstMs * 2 ** (attempts - 1)) * (0.5 + random / 2);
}
