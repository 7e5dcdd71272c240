import { runFuzzProgram } from './run-program.ts';

/** Lines of the summary and of failures. */
const REPORTED = /: seed |^FAILED|^ {2}/;

/** Runs a fuzzer, prints its summary with the seed, and returns its failures. Without a summary, returns its output. */
export async function findFuzzFailures(main: URL, target: string): Promise<readonly string[]> {
  const { code, output } = await runFuzzProgram(main, target);
  const reported = output.split('\n').filter((line) => REPORTED.test(line));
  process.stdout.write(`${reported.join('\n')}\n`);
  const failures = reported.filter((line) => !line.includes(': seed '));
  const hasEnded = code === 0 && failures.length < reported.length;
  return hasEnded || failures.length > 0 ? failures : [output];
}
