/** How long a tag's digest is fresh (K3), milliseconds: with `imagePullPolicy: Always`, and otherwise. */
export const SOFT_TTL_MS = { always: 60_000, otherwise: 10 * 60_000 } as const;

/**
 * How far synchronized clocks of two nodes may differ. Without this tolerance, a replica whose clock is behind by some
 * milliseconds would revalidate each tag that another replica has just confirmed (K4).
 */
const TOLERANCE_MS = 1_000;

/**
 * Returns the time to use as the confirmation of a tag (K3), epoch milliseconds. A time in the future comes from a clock
 * that is wrong: that of the replica that confirmed the tag, or ours. Such a tag counts as just stale, so it costs one
 * request and is never served as fresh, and it is still available if the registry does not answer.
 */
export function trustedConfirmationMs(confirmedAtMs: number, nowMs: number): number {
  if (confirmedAtMs <= nowMs) return confirmedAtMs;
  return confirmedAtMs - nowMs <= TOLERANCE_MS ? nowMs : nowMs - SOFT_TTL_MS.otherwise;
}
