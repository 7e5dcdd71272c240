import { writePerformanceResult } from '@archpolicy/testkit';

const MIN_RUNS = 5;

/** Progress, for whoever waits. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a result that has enough runs to be one; others only show that a bench works. */
export async function publish(runs: number, result: Parameters<typeof writePerformanceResult>[0]): Promise<void> {
  print(
    runs < MIN_RUNS
      ? `not written: ${runs} of at least ${MIN_RUNS} runs`
      : `written: ${await writePerformanceResult(result)}`,
  );
}
