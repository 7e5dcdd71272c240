import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';

/** One number of one run. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** The target: not more than this. Absent for what only explains others. */
  readonly most?: number;
  /** What the profile says of a miss: where the time or the memory goes. */
  readonly profile?: string;
}

/** The figures of all runs, put together by their names. A target is met by the median. */
export function measurementsOf(runs: readonly (readonly Figure[])[]): readonly Measurement[] {
  return (runs[0] ?? []).map(({ name, unit, most, profile }) => {
    const values = runs.flatMap((run) => run.filter((figure) => figure.name === name).map(({ value }) => value));
    const target = most === undefined ? 'none: explains the others' : `at most ${most} ${unit}`;
    const met = most === undefined || spread(values).median <= most;
    return { name, unit, runs: values, target, met, ...(!met && profile !== undefined && { note: profile }) };
  });
}
