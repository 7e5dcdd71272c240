import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath } from '../../../cluster/src/toolchain/find-on-path.ts';

/** Timeout of a program. The first build of a kubelet, with empty caches, takes minutes. */
const TIMEOUT_MILLISECONDS = 20 * 60_000;

export interface RunOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Runs a program to its end and returns its standard output. @throws with its output if it fails */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { stdout } = await promisify(execFile)(command, [...args], { timeout: TIMEOUT_MILLISECONDS, ...options });
  return stdout.trim();
}

/** Returns the first of the programs that is not on PATH. */
export async function findMissing(names: readonly string[], path: string | undefined): Promise<string | undefined> {
  for (const name of names) if ((await findOnPath(name, path)) === undefined) return name;
  return undefined;
}
