/** Maximum wait, to which longer waits are capped. Docker Hub's window is 6 hours, and clocks may be wrong. */
const MAX_WAIT_MS = 6 * 60 * 60 * 1000;
/** Minimum wait. Without one, a 429 with `Retry-After: 0` would be repeated immediately. */
const MIN_WAIT_MS = 1_000;
/** The wait after a 429 without a usable Retry-After. */
const DEFAULT_WAIT_MS = 10_000;

/** Whole or decimal seconds, with at most the digits of a time in milliseconds. */
const NUMBER = /^[0-9]{1,13}(?:\.[0-9]{1,9})?$/;
/** The first time that is taken for seconds since 1970 instead of a delay: the year 2001, or a delay of 31 years. */
const FIRST_EPOCH_SECONDS = 1e9;
/** The first time that is taken for milliseconds since 1970: again the year 2001. */
const FIRST_EPOCH_MS = 1e12;
/** An HTTP date, which begins with the day of the week, or an ISO date. Date.parse accepts many other formats. */
const DATE = /^(?:[A-Za-z]{3}.{10,37}|\d{4}-\d\d-\d\dT[\d:.]{5,15}(?:Z|[+-]\d\d:\d\d))$/;
/** The obsolete form of an HTTP date that names no time zone. */
const ASCTIME = /^[A-Za-z]{3} [A-Za-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * Returns the earliest time at which a Retry-After header allows a retry (epoch milliseconds): at least a second and at
 * most 6 hours from now. Beside the standard's seconds and dates, accepts a time in seconds or milliseconds since 1970,
 * because some registries and proxies send the reset time of their quota.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @example Retry-After: 120
 * @example Retry-After: Thu, 01 Jan 2026 00:01:30 GMT
 * @example Retry-After: 1767225690
 */
export function parseRetryAfter(header: string | readonly string[] | undefined, nowMs: number): number {
  const text = typeof header === 'string' ? header.trim() : '';
  const waitMs = NUMBER.test(text) ? numberWait(Number(text), nowMs) : dateWait(text, nowMs);
  return nowMs + Math.min(Math.max(waitMs, MIN_WAIT_MS), MAX_WAIT_MS);
}

function numberWait(value: number, nowMs: number): number {
  if (value >= FIRST_EPOCH_MS) return value - nowMs;
  return value >= FIRST_EPOCH_SECONDS ? value * 1000 - nowMs : value * 1000;
}

function dateWait(text: string, nowMs: number): number {
  const at = DATE.test(text) ? Date.parse(ASCTIME.test(text) ? `${text} GMT` : text) : Number.NaN;
  return Number.isNaN(at) ? DEFAULT_WAIT_MS : at - nowMs;
}
