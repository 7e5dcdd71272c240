/** Maximum wait, to which longer waits are capped. Docker Hub's window is 6 hours, and clocks may be wrong. */
const MAX_WAIT_MS = 6 * 60 * 60 * 1000;
/** The wait after a 429 without a Retry-After. */
const DEFAULT_WAIT_MS = 10_000;

/**
 * Returns the earliest time at which a Retry-After header allows a retry (epoch milliseconds). Caps long waits.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @example Retry-After: 120
 * @example Retry-After: Thu, 01 Jan 2026 00:01:30 GMT
 */
export function parseRetryAfter(header: string | readonly string[] | undefined, nowMs: number): number {
  const text = typeof header === 'string' ? header.trim() : '';
  const waitMs = /^[0-9]{1,10}$/.test(text) ? Number(text) * 1000 : parseDateWait(text, nowMs);
  return nowMs + Math.min(Math.max(waitMs, 0), MAX_WAIT_MS);
}

function parseDateWait(text: string, nowMs: number): number {
  // Date.parse accepts many formats; an HTTP date begins with the day of the week.
  const at = /^[A-Za-z]{3}.{10,37}$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? DEFAULT_WAIT_MS : at - nowMs;
}
