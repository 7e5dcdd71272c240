/**
 * What a bench leaves behind: one file docs/performance/NAME.json, from which the performance page is generated.
 * Numbers are measured in one run on one machine; where two things are compared, their runs were interleaved.
 */
export interface PerformanceResult {
  /** File name without `.json`. */
  readonly name: string;
  /** One sentence: what was measured. */
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** The commit measured, `-dirty` appended when the work tree had changes. */
  readonly commit: string;
  readonly machine: Machine;
  /** The command that repeats it. */
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
  /** Unit of `runs` and `baseline.runs`: `s`, `ms`, `requests`, `MiB`, `1/s`, `ratio`, … */
  readonly unit: string;
  readonly runs: readonly number[];
  readonly baseline?: { readonly name: string; readonly runs: readonly number[] };
  /** The target in words, such as `at most 15 s` or `at least 0.8 of the baseline`. */
  readonly target: string;
  readonly met: boolean;
  /** For a missed target: what the profile says. */
  readonly note?: string;
}

/** Median, minimum and maximum of at least one number. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when there is no number */
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
