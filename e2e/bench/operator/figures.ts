import { spread } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';

/** One number of one run. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** The target, as the highest allowed value. Absent if the figure only explains other figures. */
  readonly max?: number;
  /** An explanation, based on profiles, for a missed target. */
  readonly profile?: string;
}

/** Merges the figures of all runs by name. The median decides whether a target is met. */
export function toMeasurements(runs: readonly (readonly Figure[])[]): readonly Measurement[] {
  return (runs[0] ?? []).map(({ name, unit, max, profile }) => {
    const values = runs.flatMap((run) => run.filter((figure) => figure.name === name).map(({ value }) => value));
    const target = max === undefined ? 'none: explains the others' : `at most ${max} ${unit}`;
    const met = max === undefined || spread(values).median <= max;
    return { name, unit, runs: values, target, met, ...(!met && profile !== undefined && { note: profile }) };
  });
}
