/**
 * The result of a bench, stored as docs/performance/NAME.json. The performance page is generated from these files. All
 * numbers are from one execution of the bench on one machine. If a bench compares two things, their runs alternate.
 */
export interface PerformanceResult {
  /** The file name without `.json`. */
  readonly name: string;
  /** One sentence that describes the measurement. */
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** The measured commit, with `-dirty` if the work tree had changes. */
  readonly commit: string;
  readonly machine: Machine;
  /** The command that repeats the measurement. */
  readonly command: string;
  readonly measurements: readonly Measurement[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
}

export interface Measurement {
  readonly name: string;
  /** The unit of `runs` and `baseline.runs`: `s`, `ms`, `requests`, `MiB`, `1/s`, `ratio`, … */
  readonly unit: string;
  readonly runs: readonly number[];
  readonly baseline?: { readonly name: string; readonly runs: readonly number[] };
  /** The target in words, such as `at most 15 s` or `at least 0.8 of the baseline`. */
  readonly target: string;
  readonly met: boolean;
  /** The explanation of a missed target, from the profile. */
  readonly note?: string;
}

/** Median, minimum and maximum. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError if there are no runs */
export function spread(runs: readonly number[]): Spread {
  const sorted = [...runs].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || upper === undefined || lower === undefined) {
    throw new RangeError('a measurement needs at least one run');
  }
  return { median: (lower + upper) / 2, min, max };
}
