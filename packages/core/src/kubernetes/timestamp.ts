const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Parses an RFC 3339 timestamp of the API server to epoch milliseconds; undefined if invalid. A leap second counts as the start
 * of the next minute.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 * @example 2026-01-02T03:04:05Z
 */
export function parseTimestampMs(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const part = (group: number): number => Number(match[group]);
  const [year, month, day] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 60) return undefined;
  const fractionMs = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
  const timeMs = (hour * 60 + minute) * MINUTE_MS + second * 1000 + fractionMs;
  return daysSinceEpoch(year, month, day) * DAY_MS + timeMs - offsetMs(match);
}

function offsetMs(match: RegExpExecArray): number {
  const minutes = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  return minutes * MINUTE_MS * (match[8] === '-' ? -1 : 1);
}

function isDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  return daysSinceEpoch(month === 12 ? year + 1 : year, (month % 12) + 1, 1) - daysSinceEpoch(year, month, 1);
}

/** Returns the days since 1970-01-01 in the proleptic Gregorian calendar. Years begin in March here, so that leap days are last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
