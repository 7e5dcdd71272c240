import { parseGoDuration } from '@archpolicy/core';

/** Never later than this, whatever the configuration of the webhook says (P1). */
const MAX_TIMEOUT_MS = 2_000;
/** Kept for the way there and back, TLS included, and for the API server to apply the patch. */
const RESERVE_MS = 500;

/**
 * How long a review may take in all, in milliseconds: min(`?timeout`, 2 s) − 500 ms. The API server appends the
 * configured `timeoutSeconds` to the URL; without it, or when it cannot be read, 2 s.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#timeouts
 * @example timeout=2s
 */
export function reviewTimeoutMs(query: string): number {
  const timeout = parseGoDuration(new URLSearchParams(query).get('timeout') ?? '');
  return Math.max(0, Math.min(timeout ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS) - RESERVE_MS);
}
