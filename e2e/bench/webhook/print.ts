import { writePerformanceResult } from '@archpolicy/testkit';

const MIN_RUNS = 5;

/** Prints a line of progress. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a result if it has enough runs; fewer runs only check that the bench works. */
export async function publish(runs: number, result: Parameters<typeof writePerformanceResult>[0]): Promise<void> {
  print(
    runs < MIN_RUNS
      ? `not written: ${runs} of at least ${MIN_RUNS} runs`
      : `written: ${await writePerformanceResult(result)}`,
  );
}
