import type { Inspection } from '../inspection/inspection.ts';
import { WAITING_HELPS } from '../inspection/inspection.ts';

/** A registry that was gone for a moment is back soon; one that stays away is not asked more than twice a minute. */
const FIRST_MS = 1_000;
const MAX_MS = 30_000;
/** Asking at the very millisecond could still be too early; images of one registry spread over this much more. */
const AFTER_RETRY_AT_MS = 250;

/**
 * When an image that pods wait for is inspected again; undefined when no waiting changes the answer. Rate limited, or
 * told when: at that time. Else exponential back-off with jitter.
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

/** A busy API server is asked again after a moment; one that is down for long, twice a minute. */
const LIFT_FIRST_MS = 200;
const LIFT_MAX_MS = 30_000;

/**
 * When a pod whose lifting failed is tried again. It is tried for ever, and once when its time is up: from then on
 * trouble may lead to a lower level.
 *
 * @param passes passes over the patches that failed so far, 1 or more
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

/** Doubled at each attempt; between a half of it and the whole. */
function backOff(attempts: number, firstMs: number, maxMs: number, random: number): number {
  return Math.min(maxMs, firstMs * 2 ** (attempts - 1)) * (0.5 + random / 2);
}
