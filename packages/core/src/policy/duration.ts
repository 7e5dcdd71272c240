const PART = /([1-9][0-9]*)([smh])/g;
const MILLISECONDS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** What the schema calls a duration: whole hours, minutes and seconds, such as `90s`, `10m` or `1h30m`; never zero. */
export const DURATION_PATTERN = '^([1-9][0-9]*(s|m|h))+$';
const DURATION = new RegExp(DURATION_PATTERN);

/** Milliseconds of a duration such as `1h30m`. `undefined` when `text` is no duration: there is no default for it. */
export function parseDurationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(PART)) total += Number(count) * (MILLISECONDS[unit ?? ''] ?? Number.NaN);
  return total;
}
