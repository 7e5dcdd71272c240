/** Never later than this, whatever the configuration of the webhook says (P1). */
const MAX_TIMEOUT_MS = 2_000;
/** Kept for the way there and back, TLS included, and for the API server to apply the patch. */
const RESERVE_MS = 500;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** As Go prints a duration of whole milliseconds: `2s`, `500ms`, `1m30s`, `1.5s`. */
const GO_DURATION = /^(?:\d{1,6}(?:\.\d{1,9})?(?:ms|s|m|h)){1,4}$/u;
const GO_DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/gu;

/**
 * How long a review may take in all, in milliseconds: min(`?timeout`, 2 s) − 500 ms. The API server appends the
 * configured `timeoutSeconds` to the URL; without it, or when it cannot be read, 2 s.
 */
export function allowanceMs(query: string): number {
  const timeout = parseGoDuration(new URLSearchParams(query).get('timeout') ?? '');
  return Math.max(0, Math.min(timeout ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS) - RESERVE_MS);
}

function parseGoDuration(text: string): number | undefined {
  if (!GO_DURATION.test(text)) return undefined;
  return [...text.matchAll(GO_DURATION_PART)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? Number.NaN),
    0,
  );
}
