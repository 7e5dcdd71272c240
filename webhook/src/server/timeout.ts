import { parseGoDuration } from '@archpolicy/core';

/** Upper bound, also for a longer `timeoutSeconds` in the webhook configuration (P1). */
const MAX_TIMEOUT_MS = 2_000;
/** Reserved for the network, TLS included, and for the API server to apply the patch. */
const RESERVE_MS = 500;

/**
 * Returns the time for one review in milliseconds: min(`?timeout`, 2 s) − 500 ms. The API server appends the configured
 * `timeoutSeconds` to the URL. A missing or invalid value counts as 2 s.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#timeouts
 * @example timeout=2s
 */
export function reviewTimeoutMs(query: string): number {
  const timeout = parseGoDuration(new URLSearchParams(query).get('timeout') ?? '');
  return Math.max(0, Math.min(timeout ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS) - RESERVE_MS);
}
