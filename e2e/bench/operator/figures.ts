import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';

/** One number of one run. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** The target: not more than this. Absent for what only explains others. */
  readonly max?: number;
  /** What the profile says of a miss: where the time or the memory goes. */
  readonly profile?: string;
}

/** The figures of all runs, put together by their names. A target is met by the median. */
export function toMeasurements(runs: readonly (readonly Figure[])[]): readonly Measurement[] {
  return (runs[0] ?? []).map(({ name, unit, max, profile }) => {
    const values = runs.flatMap((run) => run.filter((figure) => figure.name === name).map(({ value }) => value));
    const target = max === undefined ? 'none: explains the others' : `at most ${max} ${unit}`;
    const met = max === undefined || spread(values).median <= max;
    return { name, unit, runs: values, target, met, ...(!met && profile !== undefined && { note: profile }) };
  });
}
