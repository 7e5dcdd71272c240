import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Results of packages/registry/bench/worker.ts, by name. */
export type Measured = Readonly<Record<string, number | string>>;

const PROGRAM = fileURLToPath(new URL('../../../packages/registry/bench/worker.ts', import.meta.url));
const DEADLINE_MS = 180_000;

/** Runs one task in a new process, so that the memory of one run does not affect another run. */
export async function runTask(task: object): Promise<Measured> {
  const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', PROGRAM, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: DEADLINE_MS });
  return JSON.parse(stdout) as Measured;
}

/** Returns a number of the results. @throws Error if it is missing */
export function getNumber(measured: Measured, name: string): number {
  const value = measured[name];
  if (typeof value !== 'number') throw new Error(`the bench did not measure ${name}`);
  return value;
}
