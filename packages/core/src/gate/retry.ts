import type { Inspection } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';

/** Back-off of inspections: short for a brief outage, at most two per minute for a longer one. */
const FIRST_MS = 1_000;
const MAX_MS = 30_000;
/** Jitter after `retryAtMs`, which spreads the images of one registry. */
const AFTER_RETRY_AT_MS = 250;

/**
 * Returns the delay until an image of a gated pod is inspected again; undefined if the result is final. Uses the time of a rate
 * limit or `Retry-After`, else exponential back-off with jitter.
 *
 * @param attempts inspections made so far, 1 or more
 * @param random in [0, 1)
 */
export function inspectAgainMs(
  inspection: Inspection,
  { attempts, nowMs, random }: { readonly attempts: number; readonly nowMs: number; readonly random: number },
): number | undefined {
  if (inspection.kind === 'resolved' || !WAITING_HELPS.has(inspection.reason)) return undefined;
  const { retryAtMs } = inspection;
  if (retryAtMs !== undefined && retryAtMs > nowMs) return retryAtMs - nowMs + AFTER_RETRY_AT_MS * random;
  return backOff(attempts, FIRST_MS, MAX_MS, random);
}

/** Back-off of liftings: short for an overloaded API server, at most two per minute for a longer outage. */
const LIFT_FIRST_MS = 200;
const LIFT_MAX_MS = 30_000;

/**
 * Returns the delay until a failed lifting is retried. Retries do not end. One is at the pod's time-out, because then a transient
 * error may lead to a lower level.
 *
 * @param passes failed passes over the patches, 1 or more
 */
export function liftAgainMs(
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

/** Exponential back-off with jitter between 50 % and 100 %. */
function backOff(attempts: number, firstMs: number, maxMs: number, random: number): number {
  return Math.min(maxMs, firstMs * 2 ** (attempts - 1)) * (0.5 + random / 2);
}
