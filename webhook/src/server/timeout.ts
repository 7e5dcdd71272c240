import { parseGoDuration } from '@archpolicy/core';

/** Maximum time for a review. It also applies if the webhook configuration has a longer `timeoutSeconds` (P1). */
const MAX_TIMEOUT_MS = 2_000;
/** Time that is reserved for the network, including TLS, and for the API server to apply the patch. */
const RESERVE_MS = 500;

/**
 * Returns the time for one review in milliseconds: min(`?timeout`, 2 s) − 500 ms. The API server appends the configured
 * `timeoutSeconds` to the URL as `timeout`. A missing or invalid value counts as 2 s.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#timeouts
 * @example timeout=2s
 */
export function reviewTimeoutMs(query: string): number {
  const timeout = parseGoDuration(new URLSearchParams(query).get('timeout') ?? '');
  return Math.max(0, Math.min(timeout ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS) - RESERVE_MS);
}
