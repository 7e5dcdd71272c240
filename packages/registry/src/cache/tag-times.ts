/** How long a tag's digest is fresh (K3), milliseconds: with `imagePullPolicy: Always`, and otherwise. */
export const SOFT_TTL_MS = { always: 60_000, otherwise: 10 * 60_000 } as const;

/**
 * How far synchronized clocks of two nodes may differ. Without this tolerance, a replica whose clock is behind by some
 * milliseconds would revalidate each tag that another replica has just confirmed (K4).
 */
const TOLERANCE_MS = 1_000;

/**
 * How long a scope may use a digest that the registry returned to this scope (K2), and how long a stale tag is served
 * (K3). It is also how long a tag stays in the shared store.
 */
export const HARD_TTL_MS = 24 * 60 * 60_000;

/**
 * Returns the time to use as the confirmation of a tag (K3), epoch milliseconds. A time in the future comes from a clock
 * that is wrong: that of the replica that confirmed the tag, or ours. Such a tag counts as just stale, so it costs one
 * request and is never served as fresh, and it is still available if the registry does not answer.
 */
export function trustedConfirmationMs(confirmedAtMs: number, nowMs: number): number {
  if (confirmedAtMs <= nowMs) return confirmedAtMs;
  return confirmedAtMs - nowMs <= TOLERANCE_MS ? nowMs : nowMs - SOFT_TTL_MS.otherwise;
}

/**
 * Returns the time to use as the confirmation of a tag that was read from the shared store. The store's own clock measures
 * how long ago the tag was stored: while the fast clock of a replica makes an old confirmation look recent, and when that
 * time has come, the store still shows its age.
 *
 * @param remainingMs how long the tag remains in the store
 */
export function storedConfirmationMs(confirmedAtMs: number, remainingMs: number | undefined, nowMs: number): number {
  const trusted = trustedConfirmationMs(confirmedAtMs, nowMs);
  return remainingMs === undefined ? trusted : Math.min(trusted, nowMs - Math.max(0, HARD_TTL_MS - remainingMs));
}
