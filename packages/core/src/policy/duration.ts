import { parseGoDuration } from '../duration/index.ts';

/** The durations of a policy: whole hours, minutes and seconds, such as `90s`, `10m` or `1h30m`; never zero. */
export const DURATION_PATTERN = '^([1-9][0-9]*(s|m|h))+$';
const DURATION = new RegExp(DURATION_PATTERN);

/** Parses a duration such as `1h30m` into milliseconds. Returns undefined if `text` is not a duration. */
export function parseDurationMs(text: string): number | undefined {
  return DURATION.test(text) ? parseGoDuration(text) : undefined;
}
