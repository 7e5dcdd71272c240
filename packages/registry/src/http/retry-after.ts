/** A registry that asks for more is asked again after this: Docker Hub's window is 6 hours, and clocks may be wrong. */
const MAX_WAIT_MS = 6 * 60 * 60 * 1000;
/** What to wait after a 429 that names no time. */
const DEFAULT_WAIT_MS = 10_000;

/** When to ask again (epoch milliseconds) by a Retry-After header: seconds or an HTTP date, capped. */
export function retryAt(header: string | readonly string[] | undefined, nowMs: number): number {
  const text = typeof header === 'string' ? header.trim() : '';
  const waitMs = /^[0-9]{1,10}$/.test(text) ? Number(text) * 1000 : dateWait(text, nowMs);
  return nowMs + Math.min(Math.max(waitMs, 0), MAX_WAIT_MS);
}

function dateWait(text: string, nowMs: number): number {
  // Date.parse takes much for a date; an HTTP date begins with the day of the week.
  const at = /^[A-Za-z]{3}.{10,37}$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? DEFAULT_WAIT_MS : at - nowMs;
}
