/** Milliseconds per unit. Both Unicode characters for micro are valid. */
const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
/** Maximum length of a duration, because the text is untrusted. Go formats durations with at most 21 characters. */
const MAX_CHARS = 50;
const DURATION = /^(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /([0-9.]+)(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * Parses a Go duration, such as `90s`, `1m30s`, `1.5h` or `12h0m0s`, to milliseconds; undefined for any other text.
 * Negative durations are rejected, because no setting allows them.
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > MAX_CHARS || !DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    total += Number(amount) * (UNITS_MS.get(unit ?? '') ?? Number.NaN);
  return total;
}
