import type { Observation } from '@archpolicy/testkit';

/** Returns the observation of a figure that only explains others. */
export function figure(what: string, value: number, unit = ''): Observation {
  return { what, value: format(value, unit), held: true };
}

/** Returns the observation of a figure with an upper bound. NaN, a figure that was not seen, does not hold. */
export function atMost(what: string, value: number, max: number, unit = ''): Observation {
  return { what, value: format(value, unit), bar: `at most ${format(max, unit)}`, held: value <= max };
}

export function atLeast(what: string, value: number, min: number, unit = ''): Observation {
  return { what, value: format(value, unit), bar: `at least ${format(min, unit)}`, held: value >= min };
}

export function exactly(what: string, value: number, expected: number, unit = ''): Observation {
  return { what, value: format(value, unit), bar: `exactly ${format(expected, unit)}`, held: value === expected };
}

/** Returns the observation of a state that must hold. */
export function holds(what: string, isTrue: boolean): Observation {
  return { what, value: isTrue ? 'yes' : 'no', bar: 'yes', held: isTrue };
}

/** Returns the observation of texts that must be equal, such as a list of status codes. */
export function same(what: string, value: string, expected: string): Observation {
  return {
    what,
    value: value === '' ? 'none' : value,
    bar: expected === '' ? 'none' : expected,
    held: value === expected,
  };
}

/** Renders a number with three significant digits above the decimal point's need: `12.3 s`, `4711`. */
function format(value: number, unit: string): string {
  if (Number.isNaN(value)) return 'not seen';
  const short = Number.isInteger(value) ? value : Number(value.toPrecision(3));
  return unit === '' ? String(short) : `${short} ${unit}`;
}
